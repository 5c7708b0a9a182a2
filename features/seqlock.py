"""Kernels over a table that many threads read, without a lock, while one thread writes to it.

A slot is one row of ``table``, float32[slots, 4 + w]: 16 bytes of header and w values. ``heads``
is the same memory as int64[slots, *]:

    heads[slot, 0]   sequence: odd while the row is whole, even while it is not to be read
    heads[slot, 1]   owner: the item, or ~item for an item whose stored row is known to be missing

A table of zeros is empty. Writers hold a lock of their caller's; readers hold none (a seqlock).

    reader                                  writer
    r1  s1 := sequence      (acquire)       w1  sequence := next even
    r2  copy owner and row                  w2  fence                    (release)
    r3  fence               (acquire)       w3  write owner and row
    r4  s2 := sequence                      w4  sequence := next odd     (release)
    hit if s1 is odd and s1 = s2

Why no reader returns a torn row, on any processor. Call the write whose w4 stored s1 the old one:
an acquire that reads from a release, so r2 sees all of its w3. Were the row torn, r2 saw a w3 of
some later write too. That write's w1 is ordered before its w3 by w2, and r2 before r4 by r3; a
fence before a store and a fence after a load of what was stored synchronise, so r4 sees that w1
or something later. Sequences only grow: s2 > s1, and the row is not returned.

The orderings are not left to luck. Sequence, owner and slot are atomic; on x86 the fences cost
nothing but keep LLVM from moving the copy, on ARM they are ``dmb``. The copy alone is not atomic
(it is a memcpy, for speed), which LLVM permits: what a racing load reads is undefined, not
forbidden, and such a row is thrown away unlooked at. (H.-J. Boehm, "Can seqlocks get along with
programming language memory models?", MSPC 2012; LLVM Language Reference, "Memory Model for
Concurrent Operations".)
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.atomics import (
    copy,
    fence_acquire,
    fence_release,
    load_acquire,
    load_relaxed,
    prefetch,
    store_relaxed,
    store_release,
)
from features.kernels import inlined, inputs, kernel, output
from features.types import Items, Mask, Rows

# atomics.py: 31854f1f52b8ff68b532a12314d078606b3b63a76cefed583e7ec60fbbb63341

HEADER_FLOATS = 4
SEQUENCE, OWNER = 0, 1

FLOATS_PER_LINE = 16
# A row read this many items ahead has arrived in the cache when its turn comes; 4 were too few
# and 16 brought nothing more (docs/decisions/0006-near-cache.md).
PREFETCHED = 8

type Longs = NDArray[np.int64]


ITEMS, SLOTS = inputs(types.int64), output(types.int32)
LONGS, HEADS, TABLE = output(types.int64), output(types.int64, 2), output(types.float32, 2)


@inlined
def _even(sequence: int) -> int:
    return (sequence + 1) & ~1


@kernel(ITEMS, SLOTS, HEADS, TABLE, TABLE, output(types.boolean), LONGS, returns=types.int64)
def gather(
    items: Items,
    slot_of: NDArray[np.int32],
    heads: Longs,
    table: Rows,
    rows: Rows,
    present: Mask,
    missed: Items,
) -> int:
    """Copy the rows of ``items`` to ``rows`` float32[n, w], where the table has them.

    Writes to ``missed`` the places in ``items`` whose row it has not (or not now); what ``rows``
    and ``present`` hold there means nothing. Returns how many those are. An item that is no
    ordinal of ``slot_of`` is such a miss.
    """
    misses = 0
    items_known = np.uint64(len(slot_of))
    width, stride, words = rows.shape[1], table.shape[1], heads.shape[1]
    last = len(items) - 1
    for place in range(len(items)):
        ahead = items[min(place + PREFETCHED, last)]
        if np.uint64(ahead) < items_known:
            slot = np.int64(load_relaxed(slot_of, ahead))
            if slot >= 0:
                for line in range(0, stride, FLOATS_PER_LINE):
                    prefetch(table, slot * stride + line)
        item, slot = items[place], np.int64(-1)
        if np.uint64(item) < items_known:
            slot = np.int64(load_relaxed(slot_of, item))
        if slot >= 0:
            before = load_acquire(heads, slot * words + SEQUENCE)
            owner = load_relaxed(heads, slot * words + OWNER)
            if before & 1 and (owner == item or owner == ~item):
                copy(rows, place * width, table, slot * stride + HEADER_FLOATS, width)
                fence_acquire()
                if load_relaxed(heads, slot * words + SEQUENCE) == before:
                    present[place] = owner >= 0
                    continue
        missed[misses] = place
        misses += 1
    return misses


@kernel(
    ITEMS,
    inputs(types.float32, 2),
    inputs(types.boolean),
    types.int64,
    LONGS,
    SLOTS,
    HEADS,
    TABLE,
    LONGS,
)
def commit(
    items: Items,
    rows: Rows,
    present: Mask,
    ticket: int,
    dropped: Longs,
    slot_of: NDArray[np.int32],
    heads: Longs,
    table: Rows,
    places: Longs,
) -> None:
    """Write rows into the table, but for those dropped since ``ticket``; for one writer.

    An item keeps its slot until a full table gives the slot to another item: whichever a
    xorshift points at (G. Marsaglia, 2003), so that readers keep no record of what was used.
    ``places`` is int64[2]: how many slots were ever given out, and the xorshift's state.
    """
    width, stride, words = rows.shape[1], table.shape[1], heads.shape[1]
    for place in range(len(items)):
        item = items[place]
        if dropped[item] > ticket:
            continue
        slot = np.int64(slot_of[item])
        if slot < 0 and places[0] < len(table):
            slot = places[0]
            places[0] += 1
        elif slot < 0:
            state = np.uint64(places[1])
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            places[1] = np.int64(state)
            slot = np.int64(state % np.uint64(len(table)))
            evicted = heads[slot, OWNER]
            store_relaxed(slot_of, max(evicted, ~evicted), np.int32(-1))
        writing = _even(heads[slot, SEQUENCE])
        store_relaxed(heads, slot * words + SEQUENCE, writing)
        fence_release()
        store_relaxed(heads, slot * words + OWNER, item if present[place] else ~item)
        copy(table, slot * stride + HEADER_FLOATS, rows, place * width, width)
        store_release(heads, slot * words + SEQUENCE, writing + 1)
        store_relaxed(slot_of, item, np.int32(slot))


@kernel(ITEMS, types.int64, LONGS, SLOTS, HEADS)
def drop(items: Items, at: int, dropped: Longs, slot_of: NDArray[np.int32], heads: Longs) -> None:
    """Make the rows of ``items`` unreadable, and note for `commit` when; for one writer."""
    words = heads.shape[1]
    for item in items:
        dropped[item] = at
        slot = np.int64(slot_of[item])
        if slot >= 0:
            store_release(heads, slot * words + SEQUENCE, _even(heads[slot, SEQUENCE]))


@kernel(HEADS)
def drop_all(heads: Longs) -> None:
    """Make every row unreadable; for one writer."""
    words = heads.shape[1]
    for slot in range(len(heads)):
        store_release(heads, slot * words + SEQUENCE, _even(heads[slot, SEQUENCE]))
