"""A snapshot that grows is the snapshot that one would have made of the larger catalogue."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.types import Rows
from ranking import extend as module
from ranking.catalogue import Catalogue
from ranking.cold import embed_like
from ranking.extend import Changes, extend
from ranking.filters import Table, check, parse, select
from ranking.masks import blocked
from ranking.retrieval import retrieve
from ranking.snapshot import Snapshot
from tests.ranking.snapshots import context, snapshot

ROW = [1995.0, 1.0, 0.0, 1.0]


def changes(
    *ids: str,
    rows: Any = None,
    retired: tuple[str, ...] = (),
    properties: dict[str, dict[str, Any]] | None = None,
) -> Changes:
    given = np.array([ROW] * len(ids) if rows is None else rows, np.float32).reshape(-1, 4)
    told = tuple((properties or {}).get(item) for item in ids)
    return Changes(ids, told, given, np.array([item in retired for item in ids], np.bool_))


def of_items(base: Snapshot, *items: int) -> Rows:
    return base.item_rows[list(items)]


def values(of: Snapshot) -> dict[str, Any]:
    found = {name: getattr(of, name) for name in of.__dataclass_fields__}
    layout, wanted = found.pop("layout"), found.pop("wanted")
    assert layout is not None
    assert wanted is not None
    return found


def assert_same(one: Snapshot, other: Snapshot) -> None:
    others = values(other)
    for name, value in values(one).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, others[name], err_msg=name)
            assert value.dtype == others[name].dtype
            assert not value.flags.writeable
        elif name != "sketch":
            assert value == others[name], name


def test_a_grown_snapshot_is_the_one_derived_of_the_larger_catalogue() -> None:
    base = snapshot(40)
    grown = extend(base, changes("new-1", "new-2", properties={"new-2": {"title": "Two"}}))
    embeddings = np.vstack((base.embeddings, embed_like(np.array([ROW] * 2, np.float32), base)))
    derived = replace(
        base,
        catalogue=Catalogue(
            (*base.catalogue.ids, "new-1", "new-2"),
            (*base.catalogue.properties, {}, {"title": "Two"}),
        ),
        embeddings=embeddings,
        neighbours=np.vstack((base.neighbours, np.full((2, 5), -1, np.int32))),
        neighbour_scores=np.vstack((base.neighbour_scores, np.zeros((2, 5), np.float32))),
        popularity=np.append(base.popularity, np.zeros(2, np.float32)),
        item_rows=np.vstack((base.item_rows, np.array([ROW] * 2, np.float32))),
        upserted=2,
    )
    assert_same(grown, derived)
    assert embeddings[-2:].any(), "new items are somewhere"


def test_every_array_with_an_entry_per_item_grows() -> None:
    base = snapshot(37)  # a length that no other axis has
    grown = extend(base, changes("new", retired=("new",)))
    for name in base.__dataclass_fields__:
        value = getattr(base, name)
        if isinstance(value, np.ndarray) and value.shape[0] == 37:
            assert len(getattr(grown, name)) == 38, name
    assert len(grown.catalogue) == 38


def test_what_was_given_stays_what_it_was() -> None:
    base = snapshot(20)
    before = {name: np.copy(v) for name, v in values(base).items() if isinstance(v, np.ndarray)}
    extend(base, changes("3", "new", retired=("3",), properties={"3": {"title": "Three"}}))
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(base, name), value)
    assert base.catalogue.properties[3] == {}
    assert base.catalogue.ordinal("new") is None


def test_ordinals_of_the_others_do_not_move() -> None:
    base = snapshot(20)
    grown = extend(base, changes("new", "5"))
    assert grown.catalogue.ordinals(base.catalogue.ids).tolist() == list(range(20))
    assert grown.catalogue.ordinal("new") == 20


def test_a_change_of_a_known_item_writes_its_row_and_keeps_its_learnt_embedding() -> None:
    base = snapshot(20)
    changed = extend(base, changes("7"))
    assert changed.item_rows[7].tolist() == ROW
    assert changed.numbers[7].tolist() == ROW[:1]
    assert changed.attributes[7].tolist() == ROW[1:]
    assert changed.embeddings is base.embeddings
    assert changed.upserted == 0


def test_a_change_of_a_new_item_makes_its_embedding_anew() -> None:
    base = snapshot(60)
    other = [1931.0, 0.0, 1.0, 0.0]
    one = extend(base, changes("new"))
    two = extend(one, changes("new", rows=[other]))
    np.testing.assert_array_equal(two.embeddings[60], embed_like(np.array([other], "f4"), base)[0])
    assert not np.array_equal(one.embeddings[60], two.embeddings[60])
    assert two.upserted == 1


def test_in_what_portions_items_come_does_not_matter() -> None:
    base = snapshot(30)
    at_once = extend(base, changes("a", "b", "c", retired=("b",)))
    one_by_one = base
    for item in "abc":
        one_by_one = extend(one_by_one, changes(item, retired=("b",)))
    assert_same(at_once, one_by_one)


def test_a_retired_item_is_nobody_s_candidate_and_still_counts_for_taste() -> None:
    base = snapshot(50)
    offered = retrieve(context(1, 2, 3), base)
    gone = base.catalogue.ids[int(offered.items[0])]
    rows = of_items(base, int(offered.items[0]), 2)
    after = extend(base, changes(gone, "2", rows=rows, retired=(gone, "2")))
    assert offered.items[0] not in retrieve(context(1, 2, 3), after).items
    np.testing.assert_array_equal(after.embeddings[2], base.embeddings[2])
    assert blocked(context(), after).nonzero()[0].tolist() == sorted([int(gone), 2])


def test_an_item_that_is_put_again_is_back() -> None:
    base = snapshot(20)
    gone = extend(base, changes("4", rows=of_items(base, 4), retired=("4",)))
    assert gone.retired is not None
    back = extend(gone, changes("4", rows=of_items(base, 4)))
    assert back.retired is None


def test_who_retires_copies_no_large_array() -> None:
    base = snapshot(20)
    gone = extend(base, changes("4", rows=of_items(base, 4), retired=("4",)))
    for name in (*module.BLANKS, "popular", "catalogue"):
        assert getattr(gone, name) is getattr(base, name), name


def test_a_new_item_is_found_by_its_likes_from_the_moment_on() -> None:
    base = snapshot(50)
    grown = extend(base, changes("new", rows=of_items(base, 9)))
    found = retrieve(context(9), grown)
    assert 50 in found.items


def test_new_items_are_found_behind_a_sketch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ranking.snapshot.SKETCH_FROM", 100)
    monkeypatch.setattr(module, "SKETCH_FROM", 100)
    monkeypatch.setattr(module, "LONGEST_TAIL", 3)
    monkeypatch.setattr("ranking.scan.search.LEAST_BREADTH", 8)
    monkeypatch.setattr("ranking.scan.search.BREADTH", 1)
    monkeypatch.setattr(module, "embed_like", lambda rows, of: of.embeddings[[9] * len(rows)])
    base = snapshot(2000)
    assert base.sketch is not None
    rows = of_items(base, 9)
    grown = extend(base, changes("new", rows=rows))
    assert grown.sketch is base.sketch, "one vector more is no reason to draw it anew"
    assert 2000 in retrieve(context(9), grown).items
    gone = extend(grown, changes("new", rows=rows, retired=("new",)))
    assert 2000 not in retrieve(context(9), gone).items
    for number in range(4):
        grown = extend(grown, changes(f"more-{number}", rows=rows))
    assert grown.sketch is not base.sketch
    assert grown.sketch is not None
    assert grown.sketch.size == 2004


def test_a_catalogue_that_grows_large_gets_a_sketch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ranking.snapshot.SKETCH_FROM", 41)
    monkeypatch.setattr(module, "SKETCH_FROM", 41)
    base = snapshot(40)
    assert base.sketch is None
    assert extend(base, changes("new")).sketch is not None


RECORDS = st.dictionaries(
    st.sampled_from(["year", "genre", "title"]),
    st.none() | st.integers(1, 3) | st.sampled_from(["a", "b"]) | st.lists(st.sampled_from("abc")),
    max_size=3,
).map(lambda record: {k: v for k, v in record.items() if (k == "year") == isinstance(v, int)})
FILTERS = (
    "year >= 2",
    "genre = 'a'",
    "title in ('a', 'b')",
    "genre is missing",
    "year is missing",
)


@given(st.lists(RECORDS, min_size=1, max_size=8), st.data())
def test_a_filter_table_that_is_changed_selects_as_one_made_anew(
    records: list[dict[str, Any]], data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(records)))
    later = data.draw(st.dictionaries(st.integers(0, len(records) - 1), RECORDS, max_size=6))
    later |= {item: records[item] for item in range(count, len(records)) if item not in later}
    now = [later.get(item, record) for item, record in enumerate(records)]
    changed, anew = Table.of(records[:count]).changed(len(records), later), Table.of(now)
    for text in FILTERS:
        tree = parse(text)
        if text.split()[0] in anew.columns:
            check(tree, anew)
            check(tree, changed)
            np.testing.assert_array_equal(select(tree, changed), select(tree, anew), text)
