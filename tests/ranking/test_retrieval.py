"""One contract for every source, then what each one and their merger promise."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from features.types import Context
from ranking.columns import SOURCE_NAMES
from ranking.masks import blocked
from ranking.retrieval import (
    DEFAULT,
    OPINIONS,
    SOURCES,
    Source,
    appraise,
    editorial,
    fuse,
    merge,
    retrieve,
    vector,
)
from ranking.retrieval.found import Found
from ranking.retrieval.recency import DECAY, WINDOW
from ranking.snapshot import Snapshot
from tests.contracts import SourceContract
from tests.ranking.snapshots import context, live, ordinals, rich, segments, snapshot

RECENT = context(3, 17, 8, 21, exclude=(40,))


def test_the_tables_of_sources_agree() -> None:
    assert tuple(OPINIONS) == tuple(DEFAULT) == SOURCE_NAMES
    assert set(DEFAULT) <= set(SOURCES)


class TestEverySource(SourceContract):
    @pytest.fixture(params=(*SOURCES, "editorial"))
    def source(self, request: pytest.FixtureRequest) -> Source:
        if request.param == "editorial":
            return partial(editorial.retrieve, listed=ordinals(9, 400, 3, 77, 21, 5))
        return SOURCES[request.param]

    @pytest.fixture
    def world(self) -> Snapshot:
        return rich(500)

    @pytest.fixture
    def asker(self) -> Context:
        ages = np.array([60.0, 3600.0, 86_400.0, 864_000.0], np.float32)
        return replace(RECENT, ages_s=ages, live=live(500), seed=3)


@pytest.mark.parametrize("name", OPINIONS)
class TestEveryOpinion:
    def test_scores_an_item_as_it_scored_its_offer(self, name: str) -> None:
        made = snapshot()
        found = SOURCES[name](RECENT, made, blocked(RECENT, made), 20)
        again = OPINIONS[name](RECENT, made, found.items)
        np.testing.assert_allclose(again, found.scores, rtol=1e-5)


@pytest.mark.parametrize("name", [*OPINIONS, "similar", "segment"])
def test_a_source_breaks_ties_by_the_lower_ordinal(name: str) -> None:
    even = np.ones(50, dtype=np.float32)
    made = snapshot(
        embeddings=np.ones((50, 8), dtype=np.float32),
        popularity=even,
        neighbours=np.tile(np.arange(49, -1, -1, dtype=np.int32), (50, 1)),
        neighbour_scores=np.ones((50, 50), dtype=np.float32),
        segments=segments(50, logs=np.zeros((7, 50), np.float32)),
    )
    found = SOURCES[name](context(0), made, np.zeros(50, np.bool_), 4)
    assert found.items.tolist() == [0, 1, 2, 3]


def weight(place: int, length: int) -> float:
    length = min(length, WINDOW)
    return float(DECAY**place / sum(DECAY**other for other in range(length)))


def test_the_vector_source_ranks_by_inner_product_with_the_weighted_history() -> None:
    made = snapshot()
    taste = sum(
        weight(place, 4) * made.embeddings[item] for place, item in enumerate(RECENT.history)
    )
    expected = made.embeddings @ (taste / np.linalg.norm(taste))
    found = SOURCES["vector"](RECENT, made, np.zeros(50, np.bool_), 50)
    assert found.items.tolist() == np.argsort(-expected, kind="stable").tolist()
    np.testing.assert_allclose(found.scores, np.sort(expected)[::-1], rtol=1e-4)


def test_the_cooccurrence_source_counts_weighted_votes_of_the_history() -> None:
    made = snapshot()
    votes: dict[int, float] = {}
    for place, item in enumerate(RECENT.history):
        for neighbour, score in zip(
            made.neighbours[item], made.neighbour_scores[item], strict=True
        ):
            if neighbour >= 0:
                votes[neighbour] = votes.get(neighbour, 0.0) + weight(place, 4) * float(score)
    found = SOURCES["cooccurrence"](RECENT, made, np.zeros(50, np.bool_), 50)
    assert set(found.items.tolist()) == set(votes)
    np.testing.assert_allclose(found.scores, sorted(votes.values(), reverse=True), rtol=1e-4)


def test_padding_is_no_vote_for_the_first_item() -> None:
    made = snapshot(
        neighbours=np.full((50, 3), -1, dtype=np.int32),
        neighbour_scores=np.zeros((50, 3), dtype=np.float32),
    )
    assert len(SOURCES["cooccurrence"](RECENT, made, np.zeros(50, np.bool_), 9).items) == 0


def test_popular_items_come_in_order_of_popularity() -> None:
    made = snapshot()
    mask = blocked(RECENT, made)
    found = SOURCES["popularity"](RECENT, made, mask, 5)
    open_items = [i for i in np.argsort(-made.popularity).tolist() if not mask[i]]
    assert found.items.tolist() == open_items[:5]


def test_a_stranger_gets_popular_items_and_nothing_else() -> None:
    made = snapshot(400)
    candidates = retrieve(context(), made)
    assert set(candidates.items) == set(made.popular[: DEFAULT["popularity"].quota])
    assert np.isnan(candidates.scores[:, :2]).all()
    assert (candidates.because == -1).all()


def test_an_event_changes_the_next_answer() -> None:
    made = snapshot(400)
    before = SOURCES["vector"](context(5, 6), made, np.zeros(400, np.bool_), 20)
    after = SOURCES["vector"](context(77, 5, 6), made, np.zeros(400, np.bool_), 20)
    assert before.items.tolist() != after.items.tolist()


def test_items_beyond_the_window_do_not_matter_but_stay_blocked() -> None:
    made = snapshot(400)
    near = tuple(range(WINDOW))
    some, more = context(*near), context(*near, 100, 101, 102)
    mask = blocked(more, made)
    for name in ("vector", "cooccurrence"):
        few = SOURCES[name](some, made, mask, 30)
        assert few.items.tolist() == SOURCES[name](more, made, mask, 30).items.tolist()
        assert not {100, 101, 102} & set(few.items.tolist())


def offer(**scores: float) -> Found:
    items = ordinals(*(int(name[1:]) for name in scores))
    return Found(items, np.array(list(scores.values()), dtype=np.float32))


def test_merging_keeps_who_offered_what() -> None:
    merged = merge(
        context(3), snapshot(), [offer(_9=5.0, _2=4.0), offer(_2=0.5), offer(_7=0.25, _9=0.125)]
    )
    assert merged.items.tolist() == [2, 7, 9]
    np.testing.assert_array_equal(
        merged.scores, [[4.0, 0.5, np.nan], [np.nan, np.nan, 0.25], [5.0, np.nan, 0.125]]
    )


def test_merging_nothing_is_nothing() -> None:
    merged = merge(context(), snapshot(), [offer(), offer(), offer()])
    assert merged.items.shape == (0,)
    assert merged.scores.shape == (0, 3)
    assert merged.because.shape == (0,)
    assert fuse(merged).shape == (0,)


def test_because_names_the_history_item_with_the_largest_share() -> None:
    made = snapshot()
    candidates = retrieve(RECENT, made)
    for item, speaker in zip(candidates.items, candidates.because, strict=True):
        shares = {
            past: weight(place, 4) * float(made.embeddings[item] @ made.embeddings[past])
            for place, past in enumerate(RECENT.history.tolist())
        }
        loudest = max(shares, key=lambda past: shares[past])
        assert speaker == (loudest if shares[loudest] > 0 else -1)


def test_fusing_adds_up_reciprocal_ranks() -> None:
    merged = merge(
        context(), snapshot(), [offer(_1=9.0, _2=8.0), offer(_2=3.0), offer(_4=1.0, _1=0.5)]
    )
    expected = [1 / 61 + 0.1 / 62, 1 / 62 + 1 / 61, 0.1 / 61]
    np.testing.assert_allclose(fuse(merged), expected, rtol=1e-6)


def test_appraising_gives_every_source_s_opinion_of_the_caller_s_items() -> None:
    made = snapshot()
    candidates = appraise(RECENT, made, ordinals(30, 4, 30, 3))
    assert candidates.items.tolist() == [3, 4, 30]
    assert not np.isnan(candidates.scores).any()
    for column, opinion in enumerate(OPINIONS.values()):
        expected = opinion(RECENT, made, candidates.items)
        np.testing.assert_array_equal(candidates.scores[:, column], expected)


def test_a_snapshot_s_arrays_cannot_be_written() -> None:
    made = snapshot()
    arrays = [getattr(made, name) for name in Snapshot.__dataclass_fields__]
    arrays = [value for value in arrays if isinstance(value, np.ndarray)]
    assert len(arrays) >= 9
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_search_spread_over_any_ranges_in_any_order_gives_the_same_bits() -> None:
    made = snapshot(n_items=3000)
    rng = np.random.default_rng(6)
    for _ in range(50):
        mask = rng.random(3000) < rng.choice([0.0, 0.3, 0.99])
        k = int(rng.choice([0, 1, 20, 200]))

        def spread[T](work: vector.Work[T], blocks: int) -> list[T]:
            cuts = np.unique(rng.integers(0, blocks + 1, int(rng.integers(0, 6))))
            edges = [0, *cuts.tolist(), blocks]
            ranges = [(low, high) for low, high in pairwise(edges)]
            rng.shuffle(ranges)
            return [work(low, high) for low, high in ranges]

        whole = vector.retrieve(RECENT, made, mask, k)
        parts = vector.retrieve(RECENT, made, mask, k, spread)
        assert parts.items.tobytes() == whole.items.tobytes()
        assert parts.scores.tobytes() == whole.scores.tobytes()
