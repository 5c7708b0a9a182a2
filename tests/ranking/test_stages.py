"""The stages' kernels against the same stages in plain numpy, on worlds drawn at random.

What is counted, chosen or copied agrees bit for bit. Sums of products differ in the last bits:
numpy asks a BLAS, which adds in an order of its own that depends on the machine and on how many
rows there are; the kernels add from the first to the last.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.types import Context
from ranking.assemble import assemble
from ranking.columns import CROSS
from ranking.masks import blocked
from ranking.places import write_places
from ranking.rerank import fill
from ranking.retrieval import DEFAULT, SOURCES, appraise, merge, retrieve
from ranking.retrieval.because import because
from ranking.retrieval.sources import OPINIONS
from ranking.snapshot import Snapshot
from tests.ranking import plain
from tests.ranking.snapshots import COLUMNS, Indifferent, context, snapshot

SEEDS = range(60)
SUMS = {"taste.last", "taste.best", "taste.long", "attributes.recent", "attributes.long"}
TOLERANCE = 1e-6


def world(seed: int) -> tuple[Context, Snapshot]:
    """Draw a catalogue, an asker with a history of any length, and what a scorer wants."""
    rng = np.random.default_rng(seed)
    items = int(rng.choice([1, 2, 5, 50, 130, 1000, 3000]))
    width, neighbours = int(rng.choice([1, 7, 32, 64])), int(rng.choice([1, 5, 100]))
    columns = COLUMNS
    if seed % 3:
        columns = tuple(rng.permutation(COLUMNS)[: rng.integers(1, len(COLUMNS) + 1)])
    padding = rng.random((items, neighbours)) < 0.2
    made = snapshot(
        items,
        embeddings=rng.normal(size=(items, width)).astype(np.float32),
        neighbours=np.where(padding, -1, rng.integers(0, items, padding.shape)).astype(np.int32),
        neighbour_scores=np.where(padding, 0, rng.integers(0, 5, padding.shape) / 4).astype("f4"),
        scorer=Indifferent(columns),
    )
    history = rng.permutation(items)[: int(rng.choice([0, 1, 3, 31, 32, 33, 200]))]
    excluded = rng.permutation(items)[: rng.integers(0, 3)]
    return context(*history.tolist(), exclude=tuple(excluded.tolist())), made


@pytest.mark.parametrize("seed", SEEDS)
def test_votes_are_counted_as_numpy_counts_them(seed: int) -> None:
    asker, made = world(seed)
    mask = blocked(asker, made)
    for k in (0, 1, 20, 200, 5000):
        ours = SOURCES["cooccurrence"](asker, made, mask, k)
        theirs = plain.cooccurrence(asker, made, mask, k)
        assert ours.items.tolist() == theirs.items.tolist()
        assert ours.scores.tobytes() == theirs.scores.tobytes()
    items = np.arange(len(made.catalogue))
    expected = plain.voted(asker, made, items)
    assert OPINIONS["cooccurrence"](asker, made, items).tobytes() == expected.tobytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_popular_items_are_those_that_numpy_finds(seed: int) -> None:
    asker, made = world(seed)
    for mask in (blocked(asker, made), np.random.default_rng(seed).random(len(made.popular)) < 0.9):
        for k in (0, 1, 100, 5000):
            ours = SOURCES["popularity"](asker, made, mask, k)
            theirs = plain.popularity(asker, made, mask, k)
            assert ours.items.tolist() == theirs.items.tolist()
            assert ours.scores.tobytes() == theirs.scores.tobytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_offers_are_united_as_numpy_unites_them(seed: int) -> None:
    asker, made = world(seed)
    mask = blocked(asker, made)
    offers = [SOURCES[name](asker, made, mask, DEFAULT[name].quota) for name in DEFAULT]
    ours, theirs = merge(asker, made, offers), plain.merge(asker, made, offers)
    assert ours.items.tolist() == theirs.items.tolist()
    assert ours.items.dtype == theirs.items.dtype
    np.testing.assert_array_equal(ours.scores, theirs.scores)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_one_that_speaks_most_has_the_largest_share(seed: int) -> None:
    asker, made = world(seed)
    items = retrieve(asker, made).items
    speakers = because(asker, made, items)
    rivals = plain.because(asker, made, items)
    assert ((speakers < 0) == (rivals < 0)).all()
    weight = dict(zip(asker.history[:32].tolist(), 0.9 ** np.arange(32), strict=False))
    for item, one, other in zip(items, speakers.tolist(), rivals.tolist(), strict=True):
        if one != other:  # only where both say as much
            shares = [
                weight[who] * made.embeddings[item] @ made.embeddings[who] for who in (one, other)
            ]
            assert shares[0] == pytest.approx(shares[1], rel=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_caller_s_items_are_appraised_as_by_numpy(seed: int) -> None:
    asker, made = world(seed)
    rng = np.random.default_rng(seed)
    items = rng.integers(0, len(made.catalogue), rng.integers(0, 300))
    before = items.tobytes()
    ours, theirs = appraise(asker, made, items), plain.appraise(asker, made, items)
    assert items.tobytes() == before
    assert ours.items.tolist() == theirs.items.tolist()
    np.testing.assert_array_equal(ours.scores, theirs.scores)


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_are_assembled_as_by_numpy(seed: int) -> None:
    asker, made = world(seed)
    rng = np.random.default_rng(seed)
    candidates = retrieve(asker, made)
    item_rows = made.item_rows[candidates.items].copy()
    item_rows[rng.random(item_rows.shape) < 0.02] = rng.choice([np.nan, np.inf, -np.inf])
    present = rng.random(len(item_rows)) < 0.9
    ours = assemble(asker, candidates, item_rows, present, made)
    theirs = plain.assemble(asker, candidates, item_rows, present, made)
    assert ours.items is candidates.items
    assert ours.present is present
    assert ours.rows.flags.c_contiguous
    for place, name in enumerate(made.scorer.columns):
        if name in SUMS:
            np.testing.assert_allclose(ours.rows[:, place], theirs.rows[:, place], atol=TOLERANCE)
        elif name == "gap.year":
            np.testing.assert_allclose(ours.rows[:, place], theirs.rows[:, place], atol=1e-3)
        elif name != "taste.best_place":
            np.testing.assert_array_equal(ours.rows[:, place], theirs.rows[:, place], name)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_closest_of_the_recent_items_is_the_closest(seed: int) -> None:
    asker, made = world(3 * seed)  # all columns
    candidates = retrieve(asker, made)
    rows = assemble(asker, candidates, made.item_rows[candidates.items], candidates.items > 0, made)
    last = made.directions[asker.history[:32]]
    if len(last):
        place = rows.rows[:, CROSS.index("taste.best_place")].astype(int)
        cosines = made.directions[candidates.items] @ last.T
        found = cosines[np.arange(len(place)), place]
        np.testing.assert_allclose(found, cosines.max(axis=1), atol=TOLERANCE)


@given(
    st.integers(1, 4),
    st.lists(st.sampled_from([0.0, -0.0, 1.5, -2.0, np.nan, np.inf, -np.inf, 1e-45]), max_size=40),
)
def test_places_are_those_of_a_stable_sort(rows: int, scores: list[float]) -> None:
    values = np.tile(np.array(scores, np.float32), (rows, 1))
    for row in range(rows):
        values[row] = np.roll(values[row], row)
    columns = np.full((len(scores), rows + 2), -1, np.float32)
    write_places(values, columns, 1)
    for row in range(rows):
        assert columns[:, 1 + row].tolist() == plain.ranks(values[row]).tolist()
    assert (columns[:, [0, -1]] == -1).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_slates_are_filled_as_step_by_step(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, d = int(rng.choice([0, 1, 2, 100, 129, 500])), int(rng.choice([1, 8, 64]))
    directions = rng.normal(size=(1000, d)).astype(np.float32)
    items = rng.permutation(1000)[:n]
    scores = np.round(rng.normal(size=n), 1).astype(np.float32)
    scores[rng.random(n) < rng.choice([0.0, 0.1, 1.0])] = rng.choice([np.nan, np.inf, -np.inf])
    asked = ((20, 0.3, 100, 0), (1, 0.5, 10, 0), (50, 0.0, 250, 0), (7, 1.0, 5, 0), (9, 0.3, 90, 4))
    for limit, diversity, depth, above in asked:
        wanted = items, scores, directions, limit, diversity, depth, above
        assert fill(*wanted).tolist() == plain.fill(*wanted).tolist()
