"""From ids to ordinals, many at once: a hash table that a kernel reads.

A dict of a large catalogue costs a request of 1000 ids more than scoring them does: each look-up
waits for four places in memory in turn (index, entry, key, value), and counts a reference to an
int that all threads share. Here the ids go to the kernel as one string, and their look-ups, which
do not depend on each other, wait together. It goes through an id eight bytes at a time.
"""

# mypy: disable-error-code="no-untyped-call"
# (numba and llvmlite are untyped throughout)

from collections.abc import Iterable, Sequence
from copy import copy

import numpy as np
from llvmlite import ir
from llvmlite.ir import IRBuilder, Value
from numba import types
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output
from features.types import Items
from ranking.lanes import _instruction

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1

END = "\0"  # stands behind each id, so it cannot be in one
FREE = np.uint64(0xFFFFFFFFFFFFFFFF)

LONGEST_TEXT = 2**32
"""The table has 32 bits for where an id begins."""

_LOWS, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_ONE, _FACTOR = np.uint64(1), np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio
_BYTES = 8  # of a word; behind a text stand as many, so that its last word may be read whole

NOTHING = np.empty(0, np.int64)

type Bytes = NDArray[np.uint8]
type Table = NDArray[np.uint64]
"""Pairs, open addressing: an id's hash, and where it begins in the text above its ordinal."""


class Names:
    """The ids of a catalogue, to be looked up: immutable, and read by any thread without a lock.

    Raises ValueError where an id occurs twice or holds a NUL character.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self._text, self._size, self._table = _text(()), 0, _room(0)
        self._take(ids)

    @classmethod
    def of(cls, text: Bytes, size: int, table: Table) -> Names:
        """Return the names that others had as ``text`` and ``table``: nothing is made anew."""
        names = cls.__new__(cls)
        names._text, names._size, names._table = text, size, table
        return names

    @property
    def text(self) -> Bytes:
        """Return all ids, each with an END behind it, and a word of them last: uint8[m]."""
        return self._text

    @property
    def table(self) -> Table:
        """Return where in the text each id begins, by its hash: see `Table`."""
        return self._table

    def __len__(self) -> int:
        """Return the number of ids."""
        return self._size

    def appended(self, ids: Sequence[str]) -> Names:
        """Return these names with more ids behind them, whose ordinals follow on."""
        longer = copy(self)
        longer._take(ids)
        return longer

    def __call__(self, item_ids: Iterable[str]) -> Items:
        """Return ordinals int64[k] in the order given: unknown ids and repeats dropped."""
        return self.located(item_ids)[0]

    def located(self, item_ids: Iterable[str], *, repeats: bool = False) -> tuple[Items, Items]:
        """Return ordinals int64[k] in the order given, and where each stood among the ids.

        Unknown ids are dropped, and repeats unless they are wanted.
        """
        wanted = tuple(item_ids)
        if not wanted:
            return NOTHING, NOTHING
        found, places = np.empty((2, len(wanted)), np.int64)
        known = (self._text, self._size, self._table)
        count = look_up(_text(wanted), len(wanted), *known, repeats, found, places)
        if count < 0:  # one holds a NUL, so it is no item's
            rest = [place for place, item in enumerate(wanted) if END not in item]
            found, at = self.located([wanted[place] for place in rest], repeats=repeats)
            return found, np.array(rest, np.int64)[at]
        return found[:count], places[:count]

    def _take(self, ids: Sequence[str]) -> None:
        """Bind a text and a table with these ids, too; those of others stay as they are."""
        if any(END in item for item in ids):
            raise ValueError("an item id holds a NUL character")
        first, start = self._size, len(self._text) - _BYTES
        self._size += len(ids)
        self._text = np.concatenate((self._text[:start], _text(ids)))
        if len(self._text) >= LONGEST_TEXT:
            raise ValueError(f"all ids together have more than {LONGEST_TEXT} bytes")
        if len(_room(self._size)) > len(self._table):
            self._table = _room(self._size)
            first = start = 0
        else:
            self._table = self._table.copy()
        twice = fill(self._text, first, start, self._size, self._table)
        if twice >= 0:
            raise ValueError(f"the item id {ids[twice - self._size]!r} occurs twice")


def _room(size: int) -> Table:
    """Return an empty table that so many ids fill to the half at most."""
    return np.full(2 << max(3, (2 * size).bit_length()), FREE, np.uint64)


def _text(ids: Sequence[str]) -> Bytes:
    """Return all ids as one text uint8[m], each with an END behind it, and a word of them last."""
    joined = END.join((*ids, END * _BYTES))
    return np.frombuffer(joined.encode(errors="surrogatepass"), np.uint8)


@_instruction(lambda array, _: types.uint64(array, types.intp))
def _word(builder: IRBuilder, array: Value, at: Value) -> Value:
    """Read array[at : at + 8] as an integer, the first byte the lowest, unchecked."""
    kind = ir.IntType(64).as_pointer()
    return builder.load(builder.bitcast(builder.gep(array, [at]), kind), align=1)


@_instruction(lambda _: types.int64(types.uint64))
def _zeros_below(builder: IRBuilder, word: Value) -> Value:
    """Count the zero bits below the lowest that is set."""
    return builder.cttz(word, ir.Constant(ir.IntType(1), 1))


@inlined
def _end(word: np.uint64) -> np.uint64:
    """Return 0x80 in the place of the word's first byte that is END; 0 without one.

    (M. Mycroft's test for a zero byte; above the first one it may err.)
    """
    ends = (word - _LOWS) & ~word & _HIGHS
    return ends & (~ends + _ONE)


@inlined
def _same(a: Bytes, start: int, b: Bytes, other: int | np.int64) -> bool:
    """Tell whether the ids that begin here and there are the same, with their END."""
    offset = 0
    while True:
        mine, yours = _word(a, start + offset), _word(b, other + offset)
        end = _end(mine)
        if end != 0:
            return bool((mine ^ yours) & (end | (end - _ONE)) == 0)
        if mine != yours:
            return False
        offset += _BYTES


@inlined
def _name(text: Bytes, start: int) -> tuple[np.uint64, int]:
    """Return a hash of the id that begins here, and where it ends."""
    value, at = _FACTOR, start
    while True:
        word = _word(text, at)
        end = _end(word)
        if end != 0:
            word &= (end >> np.uint64(7)) - _ONE
        value = (value ^ word) * _FACTOR
        value ^= value >> np.uint64(32)
        if end != 0:
            return value, at + (_zeros_below(end) >> 3)
        at += _BYTES


@kernel(
    inputs(types.uint8),
    types.int64,
    types.int64,
    types.int64,
    output(types.uint64),
    returns=types.int64,
)
def fill(text: Bytes, first: int, start: int, size: int, table: Table) -> int:
    """Put the ids from ``first`` on, which begin at ``start``, into the table.

    Returns an ordinal whose id is there before, or -1.
    """
    mask = np.uint64(len(table) // 2 - 1)
    for item in range(first, size):
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
    types.boolean,
    output(types.int64),
    output(types.int64),
    returns=types.int64,
)
def look_up(
    wanted: Bytes,
    count: int,
    text: Bytes,
    size: int,
    table: Table,
    repeats: bool,
    found: Items,
    places: Items,
) -> int:
    """Write the ordinals of the wanted that there are, and their places; return how many.

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
    if start != len(wanted) - _BYTES:
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
            if repeats or not seen[item >> 6] & bit:
                seen[item >> 6] |= bit
                found[known], places[known] = item, index
                known += 1
    return known
