"""Item rows in this process's memory, shared by all threads, as fresh as the store can tell us.

A row is served while three things hold: the store said no word against it (`drop`), nothing
suggests that such a word was lost (`Trust`), and it was not read before such a word and written
here after (the *ticket*). A ticket is the number of invalidations heard before a row was asked
for; `fill` refuses each row that was dropped since. If a row's invalidation was heard before the
ticket was taken, then the write came before the read was sent, and the read saw it.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from features import seqlock
from features.item_table import ItemTable
from features.seqlock import HEADER_FLOATS
from features.trust import Trust
from features.types import Items, Mask, Rows

type Ordinals = Callable[[Iterable[str]], Items]
"""From item ids to ordinals int64[k]; ids that the catalogue lacks are left out."""

MIB = 2**20
BYTES_PER_ITEM = 4 + 8  # its slot, and when it was last dropped
LEAST_ROOM = 1024
LARGEST_SLOT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the cache had of n items.

    ``rows`` is float32[n, w] and ``present`` bool[n], as `FeatureStore.read_items` gives them,
    meaningless at the places in ``missed``, int64[m]. ``ticket`` goes with those rows to `fill`,
    once they are read; None where they are not to be kept.
    """

    rows: Rows
    present: Mask
    missed: Items
    ticket: int | None

    def completed(self, rows: Rows, present: Mask) -> tuple[Rows, Mask]:
        """Return ``(rows float32[n, w], present bool[n])`` with the missed ones put in place."""
        if len(self.missed) == len(self.present):
            return rows, present
        self.rows[self.missed] = rows
        self.present[self.missed] = present
        return self.rows, self.present


class NearCache:
    """The rows of one catalogue under one schema, in at most ``mib`` MiB; 0 keeps none.

    Any thread may call any method. `gather` and `recall` take no lock. A row that the store has
    not is kept as such, for writing it invalidates it like any other. There is room for as many
    items again as the table has, which takes no memory before they are there.
    """

    def __init__(self, table: ItemTable, ordinals: Ordinals, mib: int, trust: Trust) -> None:
        self.table = table
        self._ordinals = ordinals
        self._trust = trust
        self._mib = mib
        self._width = table.schema.width
        stride = HEADER_FLOATS + self._width + self._width % 2  # headers are of int64
        self.room = len(table) + max(len(table), LEAST_ROOM)
        fit = (mib * MIB - len(table) * BYTES_PER_ITEM) // (4 * stride)
        slots = max(0, min(fit, self.room, LARGEST_SLOT))
        known = self.room if slots else 0
        # Zeros from the kernel: a page that no row was written to takes no memory.
        self._rows = np.zeros((slots, stride), np.float32)
        self._heads = self._rows.view(np.int64)
        self._slot_of = np.full(known, -1, np.int32)
        self._dropped = np.zeros(known, np.int64)
        self._places = np.array([0, 88172645463325252], np.int64)
        self._writing = threading.Lock()
        self._heard = self._flushed = 0

    def grown(self, table: ItemTable, ordinals: Ordinals) -> NearCache:
        """Return the cache for a table with more items behind the others, to be called before use.

        That is this one, which goes on with the larger table, or an empty one where this one has no
        room for it. What is said against the row of a new item is heard from then on, so nobody may
        have asked for it yet. Several tables may share a cache, if the items they share have the
        same ordinals.
        """
        shared = min(len(self.table), len(table))
        if len(table) > self.room or not np.array_equal(
            self.table.owners[:shared], table.owners[:shared]
        ):
            return NearCache(table, ordinals, self._mib, self._trust)
        if len(table) > shared:
            self._ordinals = ordinals
            self.table = table
        return self

    @property
    def slots(self) -> int:
        """Return how many rows it keeps at most."""
        return min(len(self._rows), len(self.table))

    @property
    def used(self) -> int:
        """Return how many slots hold a row or held one."""
        return int(self._places[0])

    def gather(self, items: Items) -> Gathered:
        """Return what is known to be fresh of the rows of ``items``, int64[n]."""
        ticket = self._heard
        if self.slots and self._trust.holds():
            return self._look_up(items, ticket)
        return self._nothing(items)

    def recall(self, items: Items) -> Gathered:
        """Return what was last known of the rows of ``items``, fresh or not."""
        return self._look_up(items, None) if self.slots else self._nothing(items)

    def fill(self, ticket: int | None, items: Items, rows: Rows, present: Mask) -> None:
        """Keep rows that the store gave after ``ticket`` was taken."""
        if ticket is None:
            return
        with self._writing:
            if ticket >= self._flushed:
                seqlock.commit(
                    items,
                    rows,
                    present,
                    ticket,
                    self._dropped,
                    self._slot_of,
                    self._heads,
                    self._rows,
                    self._places,
                )

    def drop(self, item_ids: Iterable[str]) -> None:
        """Forget these items' rows: the store has others by now."""
        if not self.slots:
            return
        items = self._ordinals(item_ids)
        with self._writing:
            self._heard += 1
            seqlock.drop(items, self._heard, self._dropped, self._slot_of, self._heads)

    def flush(self) -> None:
        """Forget every row."""
        with self._writing:
            self._heard += 1
            self._flushed = self._heard
            seqlock.drop_all(self._heads[: self.used])

    def _look_up(self, items: Items, ticket: int | None) -> Gathered:
        rows = np.empty((len(items), self._width), np.float32)
        present = np.empty(len(items), np.bool_)
        missed = np.empty(len(items), np.int64)
        misses = seqlock.gather(
            items, self._slot_of, self._heads, self._rows, rows, present, missed
        )
        return Gathered(rows, present, missed[:misses], ticket)

    def _nothing(self, items: Items) -> Gathered:
        rows = np.empty((len(items), self._width), np.float32)
        return Gathered(rows, np.zeros(len(items), np.bool_), np.arange(len(items)), None)
