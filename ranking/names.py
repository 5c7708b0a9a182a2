"""From ids to ordinals, many at once: a hash table that a kernel reads.

A dict of a large catalogue costs a request of 1000 ids more than scoring them does: each look-up
waits for four places in memory in turn (index, entry, key, value), and counts a reference to an
int that all threads share. Here the ids go to the kernel as one string, and their look-ups, which
do not depend on each other, wait together.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.types import Items
from ranking.kernels import inlined, inputs, kernel, output

END = "\0"  # stands behind each id, so it cannot be in one
FREE = np.uint64(0xFFFFFFFFFFFFFFFF)

type Bytes = NDArray[np.uint8]
type Table = NDArray[np.uint64]
"""Pairs, open addressing: an id's hash, and where it begins in the text above its ordinal."""


class Names:
    """The ids of a catalogue, to be looked up: immutable, and read by any thread without a lock.

    Raises ValueError where an id occurs twice or holds a NUL character.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        if any(END in item for item in ids):
            raise ValueError("an item id holds a NUL character")
        self._size = len(ids)
        self._text = _text(ids)
        room = 1 << max(3, (2 * len(ids)).bit_length())  # at most half full
        self._table = np.full(2 * room, FREE, np.uint64)
        twice = fill(self._text, len(ids), self._table)
        if twice >= 0:
            raise ValueError(f"the item id {ids[twice]!r} occurs twice")

    def __call__(self, item_ids: Iterable[str]) -> Items:
        """Return ordinals int64[k] in the order given: unknown ids and repeats dropped."""
        wanted = tuple(item_ids)
        text = _text(wanted)
        found = np.empty(len(wanted), np.int64)
        count = look_up(text, len(wanted), self._text, self._size, self._table, found)
        if count < 0:  # one holds a NUL, so it is no item's
            return self([item for item in wanted if END not in item])
        return found[:count]


def _text(ids: Sequence[str]) -> Bytes:
    """Return all ids as one text uint8[m], each with an END behind it."""
    joined = END.join((*ids, "")) if ids else ""
    return np.frombuffer(joined.encode(errors="surrogatepass"), np.uint8)


@inlined
def _same(a: Bytes, start: int, b: Bytes, other: int | np.int64) -> bool:
    """Tell whether the ids that begin here and there are the same, with their END."""
    offset = 0
    while a[start + offset] == b[other + offset]:
        if a[start + offset] == 0:
            return True
        offset += 1
    return False


@inlined
def _name(text: Bytes, start: int) -> tuple[np.uint64, int]:
    """Return FNV-1a of the id that begins here, its high bits folded in, and where it ends."""
    value, at = np.uint64(0xCBF29CE484222325), start
    while text[at] != 0:
        value = (value ^ np.uint64(text[at])) * np.uint64(0x100000001B3)
        at += 1
    return value ^ (value >> np.uint64(32)), at


@kernel(inputs(types.uint8), types.int64, output(types.uint64), returns=types.int64)
def fill(text: Bytes, size: int, table: Table) -> int:
    """Fill the table; return an ordinal whose id is there before, or -1."""
    mask = np.uint64(len(table) // 2 - 1)
    start = 0
    for item in range(size):
        name, end = _name(text, start)
        place = np.int64(name & mask)
        while table[2 * place + 1] != FREE:
            if table[2 * place] == name and _same(
                text, start, text, np.int64(table[2 * place + 1] >> np.uint64(32))
            ):
                return item
            place = np.int64(np.uint64(place + 1) & mask)
        table[2 * place] = name
        table[2 * place + 1] = np.uint64(start) << np.uint64(32) | np.uint64(item)
        start = end + 1
    return -1


@kernel(
    inputs(types.uint8),
    types.int64,
    inputs(types.uint8),
    types.int64,
    inputs(types.uint64),
    output(types.int64),
    returns=types.int64,
)
def look_up(wanted: Bytes, count: int, text: Bytes, size: int, table: Table, found: Items) -> int:
    """Write the ordinals of the wanted that there are, each once; return how many.

    -1 where the text does not hold that many ids. Three loops, so that the misses of the caches,
    which do not depend on each other, are waited for together.
    """
    mask = np.uint64(len(table) // 2 - 1)
    names, starts = np.empty(count, np.uint64), np.empty(count, np.int64)
    start = 0
    for index in range(count):
        names[index], end = _name(wanted, start)
        starts[index] = start
        start = end + 1
    if start != len(wanted):
        return -1
    firsts = np.empty(count, np.uint64)
    for index in range(count):
        place = np.int64(names[index] & mask)
        firsts[index] = table[2 * place + 1] if table[2 * place] == names[index] else FREE
    seen = np.zeros(size // 64 + 1, np.uint64)
    known = 0
    for index in range(count):
        place, entry = np.int64(names[index] & mask), firsts[index]
        while not (
            entry != FREE and _same(wanted, starts[index], text, np.int64(entry >> np.uint64(32)))
        ):
            if table[2 * place + 1] == FREE:
                break
            entry = table[2 * place + 1] if table[2 * place] == names[index] else FREE
            place = np.int64(np.uint64(place + 1) & mask)
        else:
            item = np.int64(entry & np.uint64(0xFFFFFFFF))
            bit = np.uint64(1) << np.uint64(item & 63)
            if not seen[item >> 6] & bit:
                seen[item >> 6] |= bit
                found[known] = item
                known += 1
    return known
