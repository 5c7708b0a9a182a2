"""The light phase lets the best of the fused rankings go on, and whatever is pinned."""

import numpy as np
import pytest

from features.types import Candidates
from ranking.light import lighten, stand_behind
from ranking.retrieval import fuse, retrieve
from tests.ranking import plain
from tests.ranking.snapshots import context, ordinals, snapshot


def drawn(seed: int, sources: tuple[str, ...] = ()) -> Candidates:
    rng = np.random.default_rng(seed)
    n = int(rng.choice([1, 2, 130, 700]))
    scores = np.round(rng.normal(size=(n, len(sources) or 3)), 1).astype(np.float32)
    scores[rng.random(scores.shape) < 0.5] = np.nan
    items = np.sort(rng.permutation(2000)[:n])
    return Candidates(items, scores, rng.integers(-1, 50, n), sources)


@pytest.mark.parametrize("seed", range(30))
def test_rankings_are_fused_as_by_numpy(seed: int) -> None:
    three = drawn(seed)
    assert fuse(three).tobytes() == plain.fuse(three, {"popularity": 0.1}).tobytes()
    five = drawn(seed, ("trend", "vector", "own", "popularity", "editors"))
    weights = {"own": 2.0, "popularity": 0.0}
    assert fuse(five, weights).tobytes() == plain.fuse(five, weights).tobytes()


@pytest.mark.parametrize("seed", range(30))
def test_light_then_heavy_ranking_phases_keep_the_best_of_the_fused_rankings(seed: int) -> None:
    candidates = drawn(seed)
    keep = max(1, len(candidates.items) // 3)
    light = lighten(candidates, keep)
    expected = plain.lighten(candidates, keep, {"popularity": 0.1})
    assert light.items.tolist() == expected.items.tolist()
    np.testing.assert_array_equal(light.scores, expected.scores)
    assert light.because.tolist() == expected.because.tolist()


def test_few_candidates_are_left_as_they_are() -> None:
    candidates = retrieve(context(1, 2), snapshot())
    assert lighten(candidates, len(candidates.items)) is candidates


def test_a_pinned_candidate_survives_whatever_its_score() -> None:
    candidates = retrieve(context(1, 2, 3), snapshot())
    last = candidates.items[np.argsort(fuse(candidates))[:3]]
    light = lighten(candidates, 5, kept=np.append(last, 10_000))
    assert set(last) <= set(light.items)
    assert len(light.items) == 5
    assert set(last) == set(lighten(candidates, 1, kept=last[::-1]).items)
    assert not set(last) & set(lighten(candidates, 5).items)


def test_the_names_of_the_sources_go_along() -> None:
    candidates = drawn(4, ("one", "other"))
    assert lighten(candidates, 1, {"one": 0.5}).sources == ("one", "other")
    assert len(lighten(candidates, 1, kept=ordinals()).items) == 1


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("seed", range(10))
def test_who_was_not_scored_stands_behind_in_the_order_of_the_light_phase(
    seed: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    light = rng.random(60).astype(np.float32)
    scored = np.sort(rng.permutation(60)[: rng.integers(1, 60)])
    scores = (rng.normal(size=len(scored)) * scale).astype(np.float32)
    scores[1::7] = np.nan
    stood, rest = stand_behind(light, scored, scores), np.setdiff1d(np.arange(60), scored)
    assert stood[scored].tobytes() == scores.tobytes()
    if len(rest):
        assert stood[rest].max() < np.nanmin(scores)
    assert np.argsort(-stood[rest]).tolist() == np.argsort(-light[rest]).tolist()


def test_where_nothing_was_scored_the_light_phase_says_it_all() -> None:
    light, none = np.array([0.5, 0.25], np.float32), np.empty(0, np.int64)
    assert stand_behind(light, none, np.empty(0, np.float32)).tolist() == [0.5, 0.25]
    nan = np.full(1, np.nan, np.float32)
    assert stand_behind(light, none + 0, nan[:0]).tolist() == [0.5, 0.25]
    assert stand_behind(light, np.array([1]), nan)[0] == 0.5


def test_scores_at_the_end_of_the_range_leave_the_others_finite() -> None:
    lowest = np.array([np.finfo(np.float32).min, 3e38], np.float32)
    stood = stand_behind(np.ones(3, np.float32), np.array([0, 2]), lowest)
    assert np.isfinite(stood).all()
