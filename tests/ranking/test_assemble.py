import numpy as np
import pytest

from features.types import Candidates, Context, FeatureBlock
from ranking.assemble import assemble
from ranking.columns import CROSS
from ranking.retrieval import OPINIONS, appraise, retrieve
from ranking.snapshot import Snapshot
from tests.ranking.snapshots import (
    COLUMNS,
    ITEM_COLUMNS,
    USER_COLUMNS,
    Indifferent,
    context,
    ordinals,
    snapshot,
)

RECENT = context(3, 17, 8, 21)
WEIGHTS = np.array([1, 0.9, 0.81, 0.729]) / 3.439


def rows_of(asker: Context, candidates: Candidates, made: Snapshot) -> FeatureBlock:
    rows = made.item_rows[candidates.items]
    return assemble(asker, candidates, rows, np.ones(len(rows), np.bool_), made)


def column(block: FeatureBlock, name: str) -> list[float]:
    values: list[float] = block.rows[:, COLUMNS.index(name)].tolist()
    return values


def test_the_block_has_one_named_column_per_value_and_one_row_per_candidate() -> None:
    made = snapshot()
    candidates = retrieve(RECENT, made)
    block = rows_of(RECENT, candidates, made)
    assert made.columns == COLUMNS
    assert block.rows.shape == (len(candidates.items), len(COLUMNS))
    assert block.rows.dtype == np.float32
    assert block.rows.flags.c_contiguous
    assert block.items is candidates.items


def test_item_and_user_rows_stand_under_their_names() -> None:
    made = snapshot()
    block = rows_of(RECENT, retrieve(RECENT, made), made)
    for place, name in enumerate(ITEM_COLUMNS):
        assert column(block, f"item.{name}") == made.item_rows[block.items, place].tolist()
    for place, name in enumerate(USER_COLUMNS):
        assert set(column(block, f"user.{name}")) == {float(RECENT.user_row[place])}


def test_a_source_s_column_is_its_opinion_of_every_candidate_whoever_offered_it() -> None:
    made = snapshot()
    candidates = retrieve(RECENT, made)
    block = rows_of(RECENT, candidates, made)
    for name, opinion in OPINIONS.items():
        scores = opinion(RECENT, made, candidates.items)
        assert column(block, f"source.{name}") == scores.tolist()
        ranks = np.argsort(np.argsort(-scores, kind="stable"))
        assert column(block, f"rank.{name}") == ranks.tolist()


def test_taste_compares_with_the_history_by_cosine() -> None:
    made = snapshot()
    block = rows_of(RECENT, retrieve(RECENT, made), made)
    unit = made.embeddings / np.linalg.norm(made.embeddings, axis=1, keepdims=True)
    cosines = unit[block.items] @ unit[RECENT.history].T
    np.testing.assert_allclose(column(block, "taste.last"), cosines[:, 0], atol=1e-5)
    np.testing.assert_allclose(column(block, "taste.best"), cosines.max(axis=1), atol=1e-5)
    np.testing.assert_allclose(column(block, "taste.long"), cosines.mean(axis=1), atol=1e-5)
    assert column(block, "taste.best_place") == cosines.argmax(axis=1).tolist()
    assert column(block, "history.length") == pytest.approx([np.log(5)] * len(block.items))


def test_attributes_tell_how_common_the_candidate_s_are_in_the_history() -> None:
    made = snapshot()
    block = rows_of(RECENT, retrieve(RECENT, made), made)
    genres = made.item_rows[:, 1:]
    past = genres[RECENT.history]
    own = genres[block.items]
    share = own / np.maximum(own.sum(axis=1, keepdims=True), 1)
    assert column(block, "attributes.recent") == pytest.approx((share @ (WEIGHTS @ past)).tolist())
    assert column(block, "attributes.long") == pytest.approx((share @ past.mean(axis=0)).tolist())


def test_a_gap_is_the_number_minus_its_weighted_mean_in_the_history() -> None:
    made = snapshot()
    block = rows_of(RECENT, retrieve(RECENT, made), made)
    years = made.item_rows[:, 0]
    expected = years[block.items] - WEIGHTS @ years[RECENT.history]
    np.testing.assert_allclose(column(block, "gap.year"), expected, atol=1e-2)


def test_candidates_use_the_rows_of_the_store_and_not_of_the_snapshot() -> None:
    made = snapshot()
    candidates = appraise(RECENT, made, ordinals(1, 2))
    fresh = np.array([[1871, 1, 0, 0], [1872, 0, 0, 1]], dtype=np.float32)
    present = np.array([True, False])
    block = assemble(RECENT, candidates, fresh, present, made)
    assert column(block, "item.year") == [1871, 1872]
    assert column(block, "item.genre=c") == [0, 1]
    assert block.present.tolist() == [True, False]


def test_a_stranger_s_rows_are_finite_and_say_nothing_of_taste() -> None:
    made = snapshot()
    stranger = context()
    block = rows_of(stranger, retrieve(stranger, made), made)
    assert len(block.rows)
    assert np.isfinite(block.rows).all()
    for name in CROSS:
        if name.startswith(("taste", "attributes", "history")):
            assert not any(column(block, name)), name
    assert not any(column(block, "gap.year"))


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_counts_as_zero(poison: float) -> None:
    made = snapshot()
    candidates = retrieve(RECENT, made)
    rows = made.item_rows[candidates.items].copy()
    rows[0, 0] = poison
    rows[1, 2] = poison
    block = assemble(RECENT, candidates, rows, np.ones(len(rows), np.bool_), made)
    assert np.isfinite(block.rows).all()
    assert column(block, "item.year")[0] == 0
    assert column(block, "item.year")[2] == rows[2, 0]


def test_no_candidates_make_no_rows() -> None:
    made = snapshot()
    block = rows_of(RECENT, appraise(RECENT, made, ordinals()), made)
    assert block.rows.shape == (0, len(COLUMNS))


def test_a_scorer_gets_the_columns_it_asks_for_in_its_order() -> None:
    wanted = ("item.year", "source.vector", "user.age")
    made = snapshot()
    few = snapshot(scorer=Indifferent(wanted))
    candidates = retrieve(RECENT, made)
    block = rows_of(RECENT, candidates, few)
    whole = rows_of(RECENT, candidates, made)
    assert block.rows.flags.c_contiguous
    for place, name in enumerate(wanted):
        assert block.rows[:, place].tolist() == column(whole, name)


def test_a_scorer_that_asks_for_an_unknown_column_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown columns: item\.colour"):
        snapshot(scorer=Indifferent(("item.year", "item.colour")))


def test_a_row_does_not_depend_on_its_neighbours_but_for_the_ranks() -> None:
    made = snapshot()
    together = rows_of(RECENT, appraise(RECENT, made, np.arange(50)), made)
    kept = [place for place, name in enumerate(COLUMNS) if not name.startswith("rank.")]
    for few in ((33,), (0, 33), tuple(range(5, 41))):
        alone = rows_of(RECENT, appraise(RECENT, made, ordinals(*few)), made)
        assert together.rows[np.ix_(few, kept)].tobytes() == alone.rows[:, kept].tobytes()


@pytest.mark.parametrize("seed", range(10))
def test_any_choice_of_columns_gives_those_of_the_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = [COLUMNS[place] for place in rng.permutation(len(COLUMNS))[: rng.integers(1, 12)]]
    if seed % 2:
        wanted.sort(key=COLUMNS.index)
    candidates = retrieve(RECENT, snapshot())
    block = rows_of(RECENT, candidates, snapshot(scorer=Indifferent(tuple(wanted))))
    whole = rows_of(RECENT, candidates, snapshot())
    expected = whole.rows[:, [COLUMNS.index(name) for name in wanted]]
    np.testing.assert_array_equal(block.rows, expected)
