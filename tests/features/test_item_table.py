"""One command for any items: the words a client library would send, and whose rows must come."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import keys
from features.codec import fingerprints
from features.item_table import ItemTable
from features.resp import command
from tests.features.schemas import ITEM

IDS = ("a", "bb", "", "ein Gruß", "x" * 128, "{braces}", "0")
TABLE = ItemTable(IDS, ITEM)


@given(st.lists(st.integers(0, len(IDS) - 1), max_size=20))
def test_an_mget_names_the_items_in_their_order(items: list[int]) -> None:
    payload = TABLE.mget(np.array(items, np.int64))
    assert payload == command("MGET", *(keys.item_row(IDS[item]) for item in items))


@pytest.mark.parametrize("count", [8, 9, 98, 99, 998, 999, 9_998, 9_999])
def test_a_command_counts_its_words_with_as_many_digits_as_it_takes(count: int) -> None:
    words = [keys.item_row(IDS[1])] * count
    assert TABLE.mget(np.full(count, 1)) == command("MGET", *words)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_several_commands_stand_one_behind_the_other(counts: list[int]) -> None:
    items = np.resize(np.arange(len(IDS)), sum(counts))
    bounds = np.cumsum([0, *counts])
    single = [TABLE.mget(items[begin:end]).tobytes() for begin, end in pairwise(bounds)]
    assert TABLE.mget(items, bounds) == b"".join(single)


def test_a_table_knows_each_items_partition() -> None:
    longer = TABLE.appended(["more"])
    assert longer.parts.tolist() == [keys.partition(item_id) for item_id in (*IDS, "more")]


def test_a_row_must_bear_its_items_fingerprint() -> None:
    assert TABLE.owners.tolist() == fingerprints(IDS).tolist()


@pytest.mark.parametrize("at_once", [1, 3, len(IDS), 100])
def test_a_table_made_in_pieces_is_the_same_table(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.item_table.AT_ONCE", at_once)
    pieced = ItemTable(IDS[:4], ITEM).appended(IDS[4:])
    assert pieced.longest == TABLE.longest
    for name, array in TABLE.arrays.items():
        np.testing.assert_array_equal(pieced.arrays[name], array, name, strict=True)


@pytest.mark.parametrize("item", [-1, len(IDS), 2**62, -(2**63)])
def test_what_is_no_ordinal_is_an_error(item: int) -> None:
    with pytest.raises(IndexError, match="no ordinals of 7 items"):
        TABLE.mget(np.array([0, item]))


def test_a_catalogue_of_nothing_has_a_table() -> None:
    empty = ItemTable((), ITEM)
    assert len(empty) == 0
    assert empty.mget(np.empty(0, np.int64)) == command("MGET")
