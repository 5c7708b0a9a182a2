"""MMR and DPP against plain references in float64, and what both must do with odd input."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from numpy.typing import NDArray

from features.types import Scores
from ranking.rerank import dpp, mmr
from ranking.rerank.ramp import strengths
from ranking.topk import top_k

type Vectors = NDArray[np.float32]
type Rerank = Callable[[Scores, Vectors, int, float], NDArray[np.int64]]

either = pytest.mark.parametrize("rerank", [mmr, dpp])


def draw(seed: int, n: int, d: int) -> tuple[Scores, Vectors]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=n).astype(np.float32), rng.normal(size=(n, d)).astype(np.float32)


def cosines(vectors: Vectors) -> NDArray[np.float64]:
    exact = vectors.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    likeness = exact @ exact.T
    np.fill_diagonal(likeness, 1.0)
    return likeness


def unit_range(relevance: Scores) -> NDArray[np.float64]:
    exact = relevance.astype(np.float64)
    return np.asarray((exact - exact.min()) / (exact.max() - exact.min()))


def plain_mmr(
    relevance: Scores, vectors: Vectors, k: int, diversity: float, ramp: int = 1, above: int = 0
) -> list[int]:
    likeness, scaled = cosines(vectors), unit_range(relevance)
    picks = [int(np.argmax(relevance))]
    while len(picks) < k:
        strength = diversity * min(1.0, (above + len(picks)) / ramp)
        worth = (1 - strength) * scaled - strength * likeness[:, picks].max(axis=1)
        worth[picks] = -np.inf
        picks.append(int(np.argmax(worth)))
    return picks


def plain_dpp(relevance: Scores, vectors: Vectors, k: int, diversity: float) -> list[int]:
    """Grow the determinant by its definition: no recurrence, one log-determinant a candidate."""
    likeness, scaled = cosines(vectors), unit_range(relevance)
    picks: list[int] = []
    while len(picks) < k:
        worth = (1 - diversity) * scaled
        for i in range(len(relevance)):
            chosen = [*picks, i]
            minor = likeness[np.ix_(chosen, chosen)]
            worth[i] += diversity * np.linalg.slogdet(minor).logabsdet
        worth[picks] = -np.inf
        picks.append(int(np.argmax(worth)))
    return picks


@pytest.mark.parametrize("diversity", [0.05, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_mmr_picks_as_the_plain_reference(seed: int, diversity: float) -> None:
    relevance, vectors = draw(seed, 500, 64)
    assert mmr(relevance, vectors, 50, diversity).tolist() == plain_mmr(
        relevance, vectors, 50, diversity
    )


@pytest.mark.parametrize("above", [0, 4, 20])
@pytest.mark.parametrize("seed", range(5))
def test_mmr_that_grows_with_the_place_picks_as_the_plain_reference(seed: int, above: int) -> None:
    relevance, vectors = draw(seed, 300, 64)
    grown = mmr(relevance, vectors, 20, 0.7, 9, above).tolist()
    assert grown == plain_mmr(relevance, vectors, 20, 0.7, 9, above)


def test_mmr_that_has_grown_is_plain_mmr_and_one_that_grows_is_not() -> None:
    relevance, vectors = draw(0, 300, 64)
    plain = mmr(relevance, vectors, 20, 0.7).tolist()
    assert mmr(relevance, vectors, 20, 0.7, 9, above=8).tolist() == plain
    assert mmr(relevance, vectors, 20, 0.7, 9).tolist() != plain


def test_strengths_grow_evenly_to_the_whole_diversity() -> None:
    assert np.allclose(strengths(0.6, 3, 0, 5), [0.0, 0.2, 0.4, 0.6, 0.6])
    assert np.allclose(strengths(0.6, 3, 2, 3), [0.4, 0.6, 0.6])


@pytest.mark.parametrize("diversity", [0.05, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_dpp_picks_as_the_plain_reference(seed: int, diversity: float) -> None:
    relevance, vectors = draw(seed, 150, 32)
    assert dpp(relevance, vectors, 20, diversity).tolist() == plain_dpp(
        relevance, vectors, 20, diversity
    )


@either
@pytest.mark.parametrize("n", [1, 2, 127, 128, 129, 300])
def test_every_item_is_picked_once_if_all_are_asked_for(rerank: Rerank, n: int) -> None:
    relevance, vectors = draw(n, n, 7)
    assert sorted(rerank(relevance, vectors, n + 10, 0.5)) == list(range(n))


@either
def test_without_diversity_it_is_plain_top_k(rerank: Rerank) -> None:
    relevance, vectors = draw(0, 300, 8)
    relevance[::7] = np.nan
    relevance[::11] = 1.0
    assert np.array_equal(rerank(relevance, vectors, 280, 0.0), top_k(relevance, 280))


@either
def test_a_shorter_slate_is_the_head_of_a_longer_one(rerank: Rerank) -> None:
    relevance, vectors = draw(1, 400, 32)
    long = rerank(relevance, vectors, 30, 0.4)
    for k in (0, 1, 2, 29):
        assert np.array_equal(rerank(relevance, vectors, k, 0.4), long[:k])


@either
def test_a_copy_of_what_was_picked_gives_way_to_something_else(rerank: Rerank) -> None:
    relevance = np.array([1.0, 0.99, 0.5, 0.0], np.float32)
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0.1, 1]], np.float32)
    assert rerank(relevance, vectors, 2, 0.5).tolist() == [0, 2]
    assert rerank(relevance, vectors, 2, 0.0).tolist() == [0, 1]


@either
def test_ties_go_to_the_lower_index(rerank: Rerank) -> None:
    relevance, vectors = np.ones(300, np.float32), np.ones((300, 4), np.float32)
    assert rerank(relevance, vectors, 300, 0.5).tolist() == list(range(300))


@either
def test_nan_relevance_comes_last(rerank: Rerank) -> None:
    relevance, vectors = draw(2, 200, 16)
    relevance[50:] = np.nan
    picks = rerank(relevance, vectors, 60, 0.9)
    assert sorted(picks[:50]) == list(range(50))
    assert picks[50:].tolist() == list(range(50, 60))


@either
def test_nan_relevance_alone_is_picked_in_order(rerank: Rerank) -> None:
    _, vectors = draw(2, 20, 16)
    assert rerank(np.full(20, np.nan, np.float32), vectors, 5, 0.9).tolist() == list(range(5))


@either
def test_infinite_relevance_counts_as_the_best_or_worst_finite(rerank: Rerank) -> None:
    relevance, vectors = draw(3, 100, 16)
    relevance[70], relevance[10] = np.inf, -np.inf
    picks = rerank(relevance, vectors, 100, 0.01).tolist()
    assert 70 in picks[:2]
    assert picks.index(10) > 90


@either
def test_vectors_without_direction_disturb_nothing(rerank: Rerank) -> None:
    relevance, vectors = draw(4, 200, 8)
    vectors[3], vectors[5], vectors[7], vectors[9] = 0, np.nan, np.inf, 1e-45
    picks = rerank(relevance, vectors, 200, 0.5)
    assert sorted(picks) == list(range(200))
    doubled = vectors * np.float32(2)  # likeness is an angle: lengths do not count
    assert np.array_equal(rerank(relevance, doubled, 200, 0.5)[:50], picks[:50])


@either
def test_more_picks_than_dimensions_are_still_picks(rerank: Rerank) -> None:
    relevance, vectors = draw(5, 100, 3)
    assert len(set(rerank(relevance, vectors, 60, 1.0).tolist())) == 60


@either
def test_input_is_left_alone(rerank: Rerank) -> None:
    relevance, vectors = draw(6, 100, 8)
    before = relevance.tobytes(), vectors.tobytes()
    relevance.flags.writeable = vectors.flags.writeable = False
    rerank(relevance, vectors, 10, 0.3)
    assert (relevance.tobytes(), vectors.tobytes()) == before


@either
def test_threads_at_once_pick_alike(rerank: Rerank) -> None:
    relevance, vectors = draw(7, 500, 64)
    alone, together = rerank(relevance, vectors, 50, 0.3), Barrier(8)

    def pick(_: int) -> bool:
        together.wait()
        return all(np.array_equal(rerank(relevance, vectors, 50, 0.3), alone) for _ in range(10))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(pick, range(8)))


@either
@pytest.mark.parametrize("diversity", [-0.1, 1.1, float("nan")])
def test_diversity_outside_its_range_is_refused(rerank: Rerank, diversity: float) -> None:
    relevance, vectors = draw(8, 10, 4)
    with pytest.raises(ValueError, match="diversity"):
        rerank(relevance, vectors, 5, diversity)


@either
def test_vectors_of_another_number_are_refused(rerank: Rerank) -> None:
    relevance, vectors = draw(9, 10, 4)
    with pytest.raises(ValueError, match="vectors"):
        rerank(relevance, vectors[:9], 5, 0.5)
