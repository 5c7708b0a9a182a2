"""The kernels under threads: a row is read whole and its own, or not at all."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from features import atomics, seqlock
from features.atomics import copy, load_acquire, load_relaxed
from features.seqlock import HEADER_FLOATS
from features.types import Items, Mask, Rows

# Rows of 16 KiB: copying one takes long enough that a writer often comes in between.
WIDTH, SLOTS, ITEMS = 4096, 4, 12
WRITES = 10_000
ROUNDS = 200
VERSIONS = 8

type Longs = NDArray[np.int64]


class Table:
    """The arrays of a near cache, and what four threads saw of them."""

    def __init__(self) -> None:
        self.rows = np.zeros((SLOTS, HEADER_FLOATS + WIDTH), np.float32)
        self.heads = self.rows.view(np.int64)
        self.slot_of = np.full(ITEMS, -1, np.int32)
        self.dropped = np.zeros(ITEMS, np.int64)
        self.places = np.array([0, 88172645463325252], np.int64)
        self.torn = self.foreign = self.hits = 0
        self._counting = threading.Lock()
        self._done = threading.Event()

    def write(self, items: Items, rows: Rows, present: Mask) -> None:
        seqlock.commit(
            items,
            rows,
            present,
            0,
            self.dropped,
            self.slot_of,
            self.heads,
            self.rows,
            self.places,
        )

    def flip(self, start: threading.Barrier, writes: int) -> None:
        """Write every item's row again and again; one writer, as under the cache's lock."""
        rng = np.random.default_rng(1)
        versions = []
        for version in range(VERSIONS):
            items = rng.permutation(ITEMS)
            values = (ITEMS * version + items).astype(np.float32)
            rows = np.repeat(values[:, None], WIDTH, axis=1)
            versions.append((items, rows, np.full(ITEMS, version % 2 == 0)))
        start.wait()
        for turn in range(writes):
            self.write(*versions[turn % VERSIONS])
            if turn % 7 == 0:
                items = rng.permutation(ITEMS)[:3]
                seqlock.drop(items, 0, self.dropped, self.slot_of, self.heads)
            if turn % 50 == 0:
                seqlock.drop_all(self.heads)
        self._done.set()

    def look(self, start: threading.Barrier, gather: Callable[..., int], seed: int) -> None:
        rng = np.random.default_rng(seed)
        rows = np.empty((ITEMS, WIDTH), np.float32)
        present, missed = np.empty(ITEMS, np.bool_), np.empty(ITEMS, np.int64)
        torn = foreign = hits = 0
        start.wait()
        while not self._done.is_set():
            items = rng.permutation(ITEMS)
            misses = gather(items, self.slot_of, self.heads, self.rows, rows, present, missed)
            found = np.delete(np.arange(ITEMS), missed[:misses])
            first = rows[found, :1]
            whole = (rows[found] == first).all(axis=1)
            mine = first[:, 0] % ITEMS == items[found]
            flag = present[found] == (first[:, 0] // ITEMS % 2 == 0)
            hits += len(found)
            torn += int((~whole).sum())
            foreign += int((whole & ~(mine & flag)).sum())
        with self._counting:
            self.torn, self.foreign = self.torn + torn, self.foreign + foreign
            self.hits += hits


def fight(gather: Callable[..., int], readers: int, writes: int) -> Table:
    """Have one thread write and others read through ``gather`` until it is done."""
    table = Table()
    start = threading.Barrier(readers + 1)
    threads = [threading.Thread(target=table.flip, args=(start, writes))]
    threads += [
        threading.Thread(target=table.look, args=(start, gather, seed)) for seed in range(readers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return table


def _careless(
    items: Items,
    slot_of: NDArray[np.int32],
    heads: Longs,
    table: Rows,
    rows: Rows,
    present: Mask,
    missed: Items,
) -> int:
    """Do what `seqlock.gather` does, without a second look at the sequence."""
    misses = 0
    width = rows.shape[1]
    for place in range(len(items)):
        item, slot = items[place], np.int64(load_relaxed(slot_of, items[place]))
        if slot >= 0:
            before = load_acquire(heads, slot * heads.shape[1])
            owner = heads[slot, 1]
            if before & 1 and max(owner, ~owner) == item:
                copy(rows, place * width, table, slot * table.shape[1] + HEADER_FLOATS, width)
                present[place] = owner >= 0
                continue
        missed[misses] = place
        misses += 1
    return misses


careless: Callable[..., int] = njit(nogil=True)(_careless)


def test_no_reader_ever_sees_a_torn_row_or_anothers() -> None:
    table = fight(seqlock.gather, readers=3, writes=WRITES)
    assert (table.torn, table.foreign) == (0, 0)
    assert table.hits > 1000


def test_a_kernel_without_the_second_look_would_be_caught() -> None:
    assert any(fight(careless, readers=3, writes=200).torn for _ in range(ROUNDS))


def test_a_slot_that_changed_hands_after_it_was_looked_up_is_a_miss() -> None:
    table = Table()
    items = np.arange(SLOTS + 1)
    rows = np.repeat(items[:, None].astype(np.float32), WIDTH, axis=1)
    table.write(items, rows, np.ones(len(items), np.bool_))
    evicted = int(np.flatnonzero(table.slot_of[items] < 0)[0])
    table.slot_of[evicted] = table.slot_of[SLOTS]  # what a slow reader still holds
    out = np.empty((1, WIDTH), np.float32)
    present, missed = np.empty(1, np.bool_), np.empty(1, np.int64)
    held = table.slot_of, table.heads, table.rows
    assert seqlock.gather(np.array([evicted]), *held, out, present, missed) == 1
    assert seqlock.gather(np.array([SLOTS]), *held, out, present, missed) == 0
    assert (out == SLOTS).all()


def test_every_kernel_made_of_these_instructions_carries_their_hash() -> None:
    source = Path(atomics.__file__)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    users = [
        path
        for path in source.parent.glob("*.py")
        if "from features.atomics import" in path.read_text()
    ]
    assert len(users) >= 3
    for path in users:
        assert f"# atomics.py: {digest}" in path.read_text(), f"put the new hash in {path}"
