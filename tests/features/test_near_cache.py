"""The near cache by itself: what it may serve, what it must forget, and what it may never keep."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from features.near_cache import MIB, NearCache
from features.trust import DOUBT_AFTER_S, Trust
from features.types import Items
from tests.features.shelves import Shelf, all_present

# Rows so wide that a cache of 1 MiB holds 65 of them.
WIDE = 4000


def put(shelf: Shelf, cache: NearCache, items: Items, version: int) -> None:
    """Fill the cache as a request does: look, read what is missing, keep it."""
    ticket = cache.gather(items).ticket
    cache.fill(ticket, items, shelf.rows(items, version), all_present(items))


def test_what_was_filled_is_found_and_the_rest_is_named() -> None:
    shelf = Shelf(10)
    cache = shelf.cache()
    kept = np.array([7, 2, 5])
    put(shelf, cache, kept, 1)
    found = cache.gather(np.array([5, 0, 7, 9]))
    assert found.missed.tolist() == [1, 3]
    assert found.rows[[0, 2]].tolist() == shelf.rows(np.array([5, 7]), 1).tolist()
    assert found.present[[0, 2]].all()


def test_missed_rows_take_their_places_beside_the_found_ones() -> None:
    shelf = Shelf(6)
    cache = shelf.cache()
    put(shelf, cache, np.array([1, 4]), 1)
    found = cache.gather(shelf.items)
    missed = shelf.items[found.missed]
    rows, present = found.completed(shelf.rows(missed, 2), np.zeros(len(missed), np.bool_))
    assert rows[:, 1].tolist() == [0, 1, 2, 3, 4, 5]
    assert rows[:, 0].tolist() == [2, 1, 2, 2, 1, 2]
    assert present.tolist() == [False, True, False, False, True, False]


def test_a_row_that_the_store_has_not_is_kept_as_such() -> None:
    shelf = Shelf(3)
    cache = shelf.cache()
    rows = shelf.rows(shelf.items, 1)
    cache.fill(cache.gather(shelf.items).ticket, shelf.items, rows, np.array([True, False, True]))
    found = cache.gather(shelf.items)
    assert not len(found.missed)
    assert found.present.tolist() == [True, False, True]
    cache.drop(["1"])  # as when it is written at last
    assert cache.gather(shelf.items).missed.tolist() == [1]


def test_a_dropped_row_is_missed_and_its_neighbours_are_not() -> None:
    shelf = Shelf(5)
    cache = shelf.cache()
    put(shelf, cache, shelf.items, 1)
    cache.drop(["3", "of nobody", "1", "3"])
    assert cache.gather(shelf.items).missed.tolist() == [1, 3]
    put(shelf, cache, np.array([1, 3]), 2)
    assert cache.gather(shelf.items).rows[:, 0].tolist() == [1, 2, 1, 2, 1]


def test_a_row_read_before_its_invalidation_is_never_kept() -> None:
    shelf = Shelf(4)
    cache = shelf.cache()
    ticket = cache.gather(shelf.items).ticket
    cache.drop(["2"])  # heard while the reply was on its way
    cache.fill(ticket, shelf.items, shelf.rows(shelf.items, 1), all_present(shelf.items))
    assert cache.gather(shelf.items).missed.tolist() == [2]


def test_a_row_that_was_fresher_is_not_overwritten_by_a_late_one() -> None:
    shelf = Shelf(2)
    cache = shelf.cache()
    late = cache.gather(shelf.items).ticket
    cache.drop(["0"])
    put(shelf, cache, shelf.items, 2)
    cache.fill(late, shelf.items[:1], shelf.rows(shelf.items[:1], 1), all_present(shelf.items[:1]))
    assert cache.gather(shelf.items).rows[0, 0] == 2


def test_a_flush_forgets_every_row_and_refuses_what_was_asked_for_before_it() -> None:
    shelf = Shelf(4)
    cache = shelf.cache()
    put(shelf, cache, shelf.items[:2], 1)
    late = cache.gather(shelf.items).ticket
    cache.flush()
    assert len(cache.gather(shelf.items).missed) == 4
    cache.fill(late, shelf.items, shelf.rows(shelf.items, 1), all_present(shelf.items))
    assert len(cache.gather(shelf.items).missed) == 4
    put(shelf, cache, shelf.items, 2)
    assert not len(cache.gather(shelf.items).missed)


def test_in_doubt_nothing_is_served_or_kept_but_the_last_rows_can_be_recalled() -> None:
    shelf, trust = Shelf(3), Trust()
    cache = shelf.cache(trust)
    trust.prove(float("inf"))
    put(shelf, cache, shelf.items[:2], 1)
    trust.lose()
    found = cache.gather(shelf.items)
    assert (found.missed.tolist(), found.ticket) == ([0, 1, 2], None)
    put(shelf, cache, shelf.items, 2)
    recalled = cache.recall(shelf.items)
    assert recalled.missed.tolist() == [2]
    assert recalled.rows[:2].tolist() == shelf.rows(shelf.items[:2], 1).tolist()


def test_trust_lasts_for_a_while_after_each_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("features.trust.monotonic", lambda: now[0])
    trust = Trust()
    assert not trust.holds()
    trust.prove(100.0)
    now[0] += DOUBT_AFTER_S - 0.01
    assert trust.holds()
    assert trust.age_s() == pytest.approx(DOUBT_AFTER_S - 0.01)
    now[0] += 0.02
    assert not trust.holds()
    trust.prove(now[0])
    trust.lose()
    assert not trust.holds()


def test_memory_is_bounded_and_a_full_cache_serves_no_other_items_row() -> None:
    shelf = Shelf(500, WIDE)
    cache = shelf.cache(mib=1)
    assert cache.slots == 65
    rng = np.random.default_rng(0)
    for version in range(1, 60):
        items = rng.choice(500, 40, replace=False)
        found = cache.gather(items)
        hits = np.delete(np.arange(40), found.missed)
        assert np.array_equal(found.rows[hits, 1], items[hits])
        missed = items[found.missed]
        cache.fill(found.ticket, missed, shelf.rows(missed, version), all_present(missed))
    assert cache.used == cache.slots
    found = cache.gather(shelf.items)
    hits = np.delete(shelf.items, found.missed)
    assert 0 < len(hits) <= cache.slots
    assert np.array_equal(found.rows[hits, 1], hits)
    put(shelf, cache, found.missed[:1], 60)
    assert not len(cache.gather(found.missed[:1]).missed)  # full, and yet it learns


def test_random_replacement_reaches_every_slot() -> None:
    shelf = Shelf(2000, WIDE)
    cache = shelf.cache(mib=1)
    for item in range(2000):
        put(shelf, cache, shelf.items[item : item + 1], 1)
    found = cache.gather(shelf.items)
    assert len(shelf.items) - len(found.missed) == cache.slots  # every slot holds one, once
    assert np.delete(shelf.items, found.missed).min() > 1000  # nobody sat there for long


@pytest.mark.parametrize(("count", "mib"), [(10, 0), (0, 16), (200_000, 1)])
def test_a_cache_without_room_misses_everything_and_keeps_nothing(count: int, mib: int) -> None:
    shelf = Shelf(count)
    cache = shelf.cache(mib=mib)
    items = shelf.items[:5]
    put(shelf, cache, items, 1)
    cache.drop(["1"])
    cache.flush()
    assert cache.slots == 0
    assert len(cache.gather(items).missed) == len(cache.recall(items).missed) == len(items)


@pytest.mark.parametrize("width", [0, 1, 2, 3, 7, 64, 130])
def test_rows_of_any_width_come_back_to_the_bit(width: int) -> None:
    shelf = Shelf(300, width)
    cache = shelf.cache()
    rng = np.random.default_rng(width)
    rows = rng.normal(size=(300, width)).astype(np.float32)
    cache.fill(cache.gather(shelf.items).ticket, shelf.items, rows, all_present(shelf.items))
    items = rng.permutation(300)
    found = cache.gather(items)
    assert not len(found.missed)
    assert found.rows.tobytes() == rows[items].tobytes()


def test_no_items_are_found_at_once() -> None:
    found = Shelf(3).cache().gather(np.empty(0, np.int64))
    assert (found.rows.shape, len(found.missed)) == ((0, 8), 0)


def test_what_is_no_ordinal_is_missed() -> None:
    shelf = Shelf(3)
    cache = shelf.cache()
    put(shelf, cache, shelf.items, 1)
    strange = np.array([-1, 0, 3, 2**62, -(2**63)])
    assert cache.gather(strange).missed.tolist() == [0, 2, 3, 4]


def test_the_memory_of_an_empty_cache_is_not_taken() -> None:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("no /proc to ask")

    def resident_pages() -> int:
        return int(statm.read_text().split()[1])

    shelf = Shelf(100_000, 256)
    before = resident_pages()
    cache = shelf.cache(mib=128)
    cache.flush()
    assert len(cache.gather(shelf.items[:1000]).missed) == 1000
    assert cache.slots == 100_000
    assert (resident_pages() - before) * mmap.PAGESIZE < 16 * MIB


def test_a_cache_grows_with_its_catalogue_and_keeps_its_rows() -> None:
    few, more = Shelf(40), Shelf(50)
    cache = few.cache()
    ticket = cache.gather(few.items).ticket
    cache.fill(ticket, few.items, few.rows(few.items, 1), all_present(few.items))
    cache.drop(["45"])  # nobody's yet
    assert cache.grown(few.table.appended(more.ids[40:]), more.ordinals) is cache
    found = cache.gather(more.items)
    assert found.missed.tolist() == [*range(40, 50)]
    new = more.items[40:]
    cache.fill(found.ticket, new, more.rows(new, 1), all_present(new))
    np.testing.assert_array_equal(cache.gather(more.items).rows, more.rows(more.items, 1))
    assert cache.slots == cache.used == 50
    cache.drop(["45"])
    assert cache.gather(more.items).missed.tolist() == [45]


def test_a_full_cache_is_followed_by_a_larger_empty_one() -> None:
    few, many = Shelf(40), Shelf(4000)
    cache = few.cache()
    next_one = cache.grown(few.table.appended(many.ids[40:]), many.ordinals)
    assert next_one is not cache
    assert (len(next_one.table), next_one.slots, next_one.used) == (4000, 4000, 0)
    assert (len(cache.table), cache.slots) == (40, 40)


def test_a_cache_is_not_shared_by_tables_with_other_items_in_the_same_places() -> None:
    few = Shelf(40)
    cache = few.cache()
    assert cache.grown(few.table.appended(["a", "b"]), few.ordinals) is cache
    assert cache.grown(few.table.appended(["a"]), few.ordinals) is cache
    assert len(cache.table) == 42, "who serves the larger table goes on"
    assert cache.grown(few.table.appended(["b", "a"]), few.ordinals) is not cache


def test_a_table_grown_by_a_few_is_the_table_of_all() -> None:
    few, more = Shelf(40), Shelf(1100)
    grown = few.table.appended(more.ids[40:]).appended([])
    np.testing.assert_array_equal(grown.owners, more.table.owners)
    assert bytes(grown.mget(more.items)) == bytes(more.table.mget(more.items))
    assert len(few.table) == 40
