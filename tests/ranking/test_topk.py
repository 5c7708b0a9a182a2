import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from ranking.topk import top_k


def by_sorting(scores: np.ndarray, k: int) -> list[int]:
    order = np.lexsort((np.arange(len(scores)), -scores, np.isnan(scores)))
    return [int(i) for i in order[: max(k, 0)]]


@given(scores=stn.arrays(np.float32, st.integers(0, 700)), k=st.integers(-1, 800))
def test_any_scores_are_picked_as_by_sorting(scores: np.ndarray, k: int) -> None:
    assert top_k(scores, k).tolist() == by_sorting(scores, k)


@pytest.mark.parametrize("k", [1, 10, 500])
@pytest.mark.parametrize("n", [127, 128, 129, 1000, 50_000])
def test_long_arrays_are_picked_as_by_sorting(n: int, k: int) -> None:
    rng = np.random.default_rng(n)
    scores = rng.normal(size=n).astype(np.float32)
    for variant in (scores, np.sort(scores), np.sort(scores)[::-1], np.round(scores)):
        assert top_k(variant, k).tolist() == by_sorting(variant, k)


def test_nan_sinks_below_minus_infinity() -> None:
    scores = np.array([np.nan, -np.inf, 1, np.nan, np.inf], np.float32)
    assert top_k(scores, 5).tolist() == [4, 2, 1, 0, 3]


def test_a_finite_score_is_found_behind_any_number_of_nan() -> None:
    scores = np.full(100_000, np.nan, np.float32)
    scores[99_990] = -3
    assert top_k(scores, 3).tolist() == [99_990, 0, 1]


def test_equal_scores_keep_their_order_and_zeros_are_equal() -> None:
    scores = np.tile(np.array([0.0, -0.0], np.float32), 500)
    assert top_k(scores, 700).tolist() == list(range(700))
