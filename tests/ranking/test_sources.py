"""Each source beside the first three, against the same in plain Python."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from features.types import Context
from ranking.masks import blocked
from ranking.retrieval import SOURCES, editorial, latest, popularity, segment, similar, vector
from ranking.retrieval.again import HALF_LIFE_S, habit
from ranking.retrieval.latest import AMONG
from ranking.retrieval.similar import SEEDS
from ranking.snapshot import Snapshot
from tests.ranking.snapshots import context, live, ordinals, rich, segments, snapshot

SEEDS_OF_WORLDS = range(20)
OPEN = np.zeros(500, np.bool_)


def some_mask(seed: int, size: int = 500) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    rng = np.random.default_rng(seed)
    return rng.random(size) < rng.choice([0.0, 0.3, 0.9])


@pytest.mark.parametrize("seed", SEEDS_OF_WORLDS)
def test_popular_trending_and_latest_items_are_found(seed: int) -> None:
    made, mask = rich(500, seed), some_mask(seed)
    counted = replace(context(3), live=live(500, seed))
    assert counted.live is not None
    trend = counted.live.trend
    trending = SOURCES["trending"](counted, made, mask, 40)
    rising = [item for item in np.argsort(-trend, kind="stable") if trend[item] and not mask[item]]
    assert trending.items.tolist() == rising[:40]
    assert trending.scores.tolist() == trend[rising[:40]].tolist()
    popular = SOURCES["popularity"](counted, made, mask, 40).items.tolist()
    assert popular == [i for i in np.argsort(-made.popularity, kind="stable") if not mask[i]][:40]
    assert made.added_ms is not None
    newest = [i for i in np.argsort(-made.added_ms, kind="stable") if not mask[i]]
    assert latest.retrieve(counted, made, mask, 40, explore=0.0).items.tolist() == newest[:40]


def test_nothing_trends_where_nothing_is_counted() -> None:
    assert not len(SOURCES["trending"](context(3), rich(), OPEN, 20).items)


@pytest.mark.parametrize("seed", SEEDS_OF_WORLDS)
def test_similar_items_are_those_nearest_to_any_of_the_last(seed: int) -> None:
    made, mask = snapshot(500, seed), some_mask(seed)
    asker = context(*np.random.default_rng(seed).permutation(500)[:9].tolist())
    unit = made.embeddings / np.linalg.norm(made.embeddings, axis=1, keepdims=True)
    best = (made.embeddings @ unit[asker.history[:SEEDS]].T).max(axis=1)
    expected = [item for item in np.argsort(-best, kind="stable") if not mask[item]][:30]
    found = similar.retrieve(asker, made, mask, 30)
    assert found.items.tolist() == [item for item in expected if best[item] > 0]
    np.testing.assert_allclose(found.scores, best[found.items], rtol=1e-5)


def test_similar_items_for_an_anonymous_session_are_like_what_it_looks_at() -> None:
    """Not like what was consumed before, where the ages tell which is which."""
    made = snapshot(500)
    ages = np.array([0.0, 9.0, 9.0, 9.0], np.float32)
    looking = replace(context(7, 1, 2, 3), ages_s=ages)
    alone = similar.retrieve(context(7), made, OPEN, 30)
    assert similar.retrieve(looking, made, OPEN, 30).items.tolist() == alone.items.tolist()


def test_what_has_no_embedding_is_similar_to_nothing() -> None:
    embeddings = snapshot(500).embeddings.copy()
    embeddings[[4, 5]] = 0.0
    made = snapshot(500, embeddings=embeddings)
    assert not len(similar.retrieve(context(4, 5), made, OPEN, 30).items)
    some = similar.retrieve(context(4, 8, 5), made, OPEN, 30)
    assert some.items.tolist() == similar.retrieve(context(8), made, OPEN, 30).items.tolist()
    assert not {4, 5} & set(some.items.tolist())


def test_similar_searches_spread_over_any_ranges_give_the_same_bits() -> None:
    made, rng = snapshot(3000), np.random.default_rng(6)
    for _ in range(40):
        mask, k = some_mask(int(rng.integers(99)), 3000), int(rng.choice([0, 1, 20, 200]))

        def spread[T](work: vector.Work[T], blocks: int) -> list[T]:
            cuts = np.unique(rng.integers(0, blocks + 1, int(rng.integers(0, 9)))).tolist()
            ranges = [*pairwise([0, *cuts, blocks])]
            rng.shuffle(ranges)
            return [work(low, high) for low, high in ranges]

        whole = similar.retrieve(context(3, 17, 8), made, mask, k)
        parts = similar.retrieve(context(3, 17, 8), made, mask, k, spread)
        assert parts.items.tobytes() == whole.items.tobytes()
        assert parts.scores.tobytes() == whole.scores.tobytes()


def by_segment(user_row: list[float], made: Snapshot) -> list[float]:
    """Add up the segments of a user of the tests' schema: three bands of age, three of tenure."""
    assert made.segments is not None
    own = [
        1 + 3 * number + sum(value >= edge for edge in edges)
        for number, (value, edges) in enumerate(zip(user_row, made.segments.edges, strict=True))
        if np.isfinite(value)
    ]
    logs = made.segments.logs
    return [
        float(logs[0, place])
        + sum(float(logs[row, place]) for row in own) / max(len(own), 1) ** 0.5
        for place in range(logs.shape[1])
    ]


@pytest.mark.parametrize(
    "row", [[20.0, 0.0], [30.0, 1.0], [49.9, 3.0], [1e30, -5.0], [np.nan, 2.0], [np.inf, np.nan]]
)
def test_popular_by_segment_adds_up_the_asker_s_segments(row: list[float]) -> None:
    made, mask = rich(), some_mask(5)
    asker = replace(context(3), user_row=np.array(row, np.float32))
    expected = np.array(by_segment(row, made))
    found = segment.retrieve(asker, made, mask, 50)
    assert found.items.tolist() == [i for i in np.argsort(-expected) if not mask[i]][:50]
    np.testing.assert_allclose(found.scores, expected[found.items], rtol=1e-5)


def test_popular_by_segment_is_popular_with_all_for_cold_start_users() -> None:
    made = rich()
    stranger = replace(context(), known=False)
    old = snapshot(500)
    for asker, world in ((stranger, made), (context(), old)):
        found = segment.retrieve(asker, world, OPEN, 20)
        assert found.items.tolist() == popularity.retrieve(asker, world, OPEN, 20).items.tolist()


def test_segments_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        segments(logs=np.zeros((6, 50), np.float32))
    with pytest.raises(ValueError, match="ascend"):
        segments(edges=np.array([[3.0, 2.0], [0.0, 1.0]], np.float32))
    with pytest.raises(ValueError, match="3 numbers"):
        segments(numbers=ordinals(0, 1, 2))


@pytest.mark.parametrize("explore", [0.1, 0.25, 0.5, 0.9, 1.0])
def test_a_share_of_the_latest_is_drawn_from_the_new(explore: float) -> None:
    made = rich(3000)
    everybody = np.zeros(3000, np.bool_)
    newest = latest.retrieve(context(), made, everybody, 100, explore=0.0).items.tolist()
    found = latest.retrieve(context(), made, everybody, 100, explore=explore).items.tolist()
    assert len(set(found)) == 100
    assert set(found) <= set(made.newest[:AMONG].tolist())
    by_lot = [place for place in range(100) if int((place + 1) * explore) > int(place * explore)]
    others = [item for place, item in enumerate(found) if place not in set(by_lot)]
    drawn = {found[place] for place in by_lot}
    assert others == [item for item in newest if item not in drawn][: len(others)]
    assert len(by_lot) == pytest.approx(100 * explore, abs=1)


def test_the_latest_items_all_get_a_chance_and_a_like_one() -> None:
    made = rich(3000)
    everybody = np.zeros(3000, np.bool_)
    seen = np.zeros(3000)
    for seed in range(2000):
        asker = replace(context(), seed=seed * 0x9E3779B97F4A7C15 % 2**64)
        seen[latest.retrieve(asker, made, everybody, 10, explore=1.0).items] += 1
    among = seen[made.newest[:AMONG]]
    expected = 2000 * 10 / AMONG
    assert not seen[made.newest[AMONG:]].any()
    assert among.sum() == 20_000
    assert abs(among - expected).max() < 6 * expected**0.5


def test_the_same_seed_draws_the_same() -> None:
    made, asker = rich(3000), replace(context(), seed=77)
    everybody = np.zeros(3000, np.bool_)
    one, two = (latest.retrieve(asker, made, everybody, 50).items.tolist() for _ in range(2))
    other = latest.retrieve(replace(asker, seed=78), made, everybody, 50).items.tolist()
    assert one == two != other


def test_cold_start_items_upserted_after_the_model_are_the_latest_of_all() -> None:
    made = replace(rich(500), upserted=3)
    found = latest.retrieve(context(), made, OPEN, 5, explore=0.0).items.tolist()
    assert made.added_ms is not None
    assert found[:3] == [499, 498, 497]
    unknown = replace(snapshot(500), upserted=2)
    assert latest.retrieve(context(), unknown, OPEN, 5).items.tolist() == [499, 498]
    assert not len(latest.retrieve(context(), snapshot(500), OPEN, 5).items)


def returning(ages: list[float]) -> Context:
    own = context(*range(10, 10 + len(ages)))
    return replace(own, ages_s=np.array(ages, np.float32))


def test_what_was_taken_last_comes_again_first() -> None:
    asker = returning([50.0, 40.0, 9e6, 30.0])
    made = snapshot(500)
    found = SOURCES["again"](asker, made, blocked(asker, made, seen=False), 3)
    assert found.items.tolist() == [13, 11, 10]
    unknown = replace(asker, ages_s=np.empty(0, np.float32))
    found = SOURCES["again"](unknown, made, blocked(unknown, made, seen=False), 3)
    assert found.items.tolist() == [10, 11, 12]


def test_what_was_taken_often_comes_again_before_what_was_taken_once_and_later() -> None:
    made = snapshot()
    ages = np.array([100.0, 200.0, 300.0], np.float32)
    asker = replace(context(4, 9, 20), ages_s=ages, times=np.array([1, 1, 5], np.float32))
    found = SOURCES["again"](asker, made, blocked(asker, made, seen=False), 3)
    assert found.items.tolist() == [20, 4, 9]


def test_what_is_looked_at_now_does_not_come_again() -> None:
    asker = returning([0.0, 40.0, 90.0])
    made = snapshot(500)
    found = SOURCES["again"](asker, made, blocked(asker, made, seen=False), 9)
    assert found.items.tolist() == [11, 12]


def test_nothing_comes_again_where_seen_items_are_hidden() -> None:
    asker, made = returning([50.0, 40.0]), snapshot(500)
    assert not len(SOURCES["again"](asker, made, blocked(asker, made), 9).items)


def test_a_habit_grows_with_how_often_and_fades_with_how_long_ago() -> None:
    ages = np.array([0.0, HALF_LIFE_S, 0.0, 2 * HALF_LIFE_S], np.float32)
    counts = np.array([1.0, 1.0, 3.0, 15.0], np.float32)
    expected = np.log([2.0, 2.0, 4.0, 16.0]) * [1.0, 0.5, 1.0, 0.25]
    np.testing.assert_allclose(habit(ages, counts), expected, rtol=1e-6)


def test_an_editorial_list_keeps_its_order_and_passes_over_what_is_blocked() -> None:
    listed, mask = ordinals(9, 400, 3, 77), np.zeros(500, np.bool_)
    mask[400] = True
    found = editorial.retrieve(context(), snapshot(500), mask, 2, listed)
    assert found.items.tolist() == [9, 3]
    assert found.scores.tolist() == [1.0, 0.5]
