"""The near cache between droppers, fillers and readers: nothing torn, nobody else's, never too old.

The kernels alone are raced in tests/features/test_near_cache_kernel.py, the whole way from a
server in tests/features/test_near_cache_coherence.py; here it is the tickets and the locks.
"""

import os
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from features.near_cache import NearCache
from features.types import Items
from tests.features.shelves import Shelf, all_present
from tests.races.together import against

ITEMS, WIDTH, WRITES = 16, 512, 6000


class Shop:
    """A store whose rows tell their version, and a cache that is told of each write to it.

    ``stored`` is what a read of the store gives, ``heard`` what the cache must know of by then.
    """

    def __init__(self) -> None:
        self.shelf = Shelf(ITEMS, WIDTH)
        self.cache: NearCache = self.shelf.cache()
        self.stored: NDArray[np.int64] = np.zeros(ITEMS, np.int64)
        self.heard: NDArray[np.int64] = np.zeros(ITEMS, np.int64)
        self.hits = 0

    def write(self, mine: range) -> Callable[[], None]:
        """Write these items' rows again and again, as one client does, and tell the cache."""

        def work() -> None:
            for version in range(1, WRITES):
                item = mine[version % len(mine)]
                self.stored[item] = version
                self.cache.drop([str(item)])
                self.heard[item] = version
                if version % 500 == 0:
                    self.cache.flush()

        return work

    def read(self, seed: int) -> Callable[[], None]:
        """Ask as a request does: what was heard before is the oldest that may come."""
        rng = np.random.default_rng(seed)

        def look() -> None:
            items: Items = rng.permutation(ITEMS)[:6]
            floor = self.heard[items].copy()
            found = self.cache.gather(items)
            hit = np.delete(np.arange(len(items)), found.missed)
            rows = found.rows[hit]
            assert (rows[:, 1::2] == items[hit, None]).all(), "another item's row"
            assert (rows[:, 0::2] == rows[:, :1]).all(), "a torn row"
            assert (rows[:, 0] >= floor[hit]).all(), "a row older than a word against it"
            self.hits += len(hit)
            if len(found.missed):
                self.fill(found.ticket, items[found.missed])

        return look

    def fill(self, ticket: int | None, missed: Items) -> None:
        rows = self.shelf.rows(missed, 0)
        rows[:, 0::2] = self.stored[missed, None]
        os.sched_yield()  # the reply is on its way, and others write meanwhile
        self.cache.fill(ticket, missed, rows, all_present(missed))


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_no_row_is_torn_or_anothers_or_older_than_what_was_heard(shop: Shop) -> None:
    half = ITEMS // 2
    writers = [shop.write(range(half)), shop.write(range(half, ITEMS))]
    against(writers, shop.read(1), shop.read(2))
    assert shop.hits > 0


def test_what_is_kept_in_the_end_is_what_is_stored(shop: Shop) -> None:
    against([shop.write(range(ITEMS))], shop.read(3), shop.read(4))
    found = shop.cache.gather(shop.shelf.items)
    hit = np.delete(shop.shelf.items, found.missed)
    assert (found.rows[hit, 0] == shop.stored[hit]).all()


def test_a_cache_that_grows_under_readers_and_writers_keeps_every_promise(shop: Shop) -> None:
    """New items come behind the others while those are read, written and dropped."""
    larger = [Shelf(ITEMS + more, WIDTH) for more in range(1, 60)]
    kept: list[bool] = []

    def grow() -> None:
        for shelf in larger:
            table = shop.cache.table.appended(shelf.ids[len(shop.cache.table) :])
            assert shop.cache.grown(table, shelf.ordinals) is shop.cache
            new = shelf.items[-1:]
            assert shop.cache.gather(new).missed.tolist() == [0]
            ticket = shop.cache.gather(new).ticket
            shop.cache.fill(ticket, new, shelf.rows(new, 1), all_present(new))
            found = shop.cache.gather(new)
            if not len(found.missed):  # others' rows may have taken its place by now
                kept.append(bool((found.rows[0, 1::2] == new[0]).all()))

    against([grow, shop.write(range(ITEMS))], shop.read(5))
    assert len(shop.cache.table) == ITEMS + 59
    assert kept
    assert all(kept)
