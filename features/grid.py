r"""Replies to MGETs of equal-length values, read as the regular grid that they nearly are.

    *3\r\n $80\r\n <80 bytes> \r\n $-1\r\n $80\r\n <80 bytes> \r\n

Every value repeats the same prefix before the same number of bytes, or is missing. One kernel
walks along, checks each row's header and copies its values: no Python object per row. It takes
the rows that have arrived while the server still writes the others.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.atomics import copy
from features.codec import (
    HEADER_BYTES,
    IMPUTED,
    REFUSED,
    Fingerprints,
    Odd,
    decode_rows,
    no_odd,
)
from features.errors import CommandRefused
from features.item_table import ItemTable
from features.kernels import inlined, inputs, kernel, output
from features.resp import Reply, parse
from features.types import Items, Mask, Rows

# atomics.py: 31854f1f52b8ff68b532a12314d078606b3b63a76cefed583e7ec60fbbb63341

MISSING = np.frombuffer(b"$-1\r\n", np.uint8)
CR, LF = b"\r\n"
STAR, ZERO = b"*0"
HEAD_BYTES = 24  # a star, the digits of an int64, and the end of a line

IN_ORDER = np.arange(8192)
IN_ORDER.flags.writeable = False

type Bytes = NDArray[np.uint8]
type Longs = NDArray[np.int64]


class GridReader:
    """Decodes the replies to ``table.mget(items, bounds)``, once.

    The row of ``items[i]`` comes to stand in row ``places[i]`` of ``rows`` float32[n, w] and
    ``present`` bool[n]. Called by the connection, again and again, with what has arrived so far. A
    row that does not fit the grid (it has another length) takes the exact path through `parse`.
    Rows that were refused or imputed are counted in ``odd``.
    """

    __slots__ = (
        "_bounds",
        "_inputs",
        "_items",
        "_odd",
        "_places",
        "_read",
        "_refused",
        "_table",
        "_to",
    )

    def __init__(
        self,
        table: ItemTable,
        items: Items,
        bounds: Longs,
        places: Items,
        rows: Rows,
        present: Mask,
        odd: Odd | None = None,
    ) -> None:
        self._odd = no_odd() if odd is None else odd
        self._table = table
        self._items = items
        self._bounds = bounds
        self._places = places
        self._to = rows, present
        self._inputs = (*table.layout, table.owners, items, bounds, places, *self._to, self._odd)
        self._read = 0, 0, 0  # headers, rows, and bytes of the replies
        self._refused: list[tuple[Items, CommandRefused]] = []

    @classmethod
    def of_one(cls, table: ItemTable, items: Items) -> GridReader:
        """Read the reply to one MGET, into arrays of its own."""
        rows: Rows = np.empty((len(items), table.schema.width), np.float32)
        present: Mask = np.empty(len(items), np.bool_)
        places = IN_ORDER[: len(items)] if len(items) <= len(IN_ORDER) else np.arange(len(items))
        return cls(table, items, np.array([0, len(items)]), places, rows, present)

    @property
    def refused(self) -> list[tuple[Items, CommandRefused]]:
        """The commands of several that were refused: the places of their rows, and why."""
        return self._refused

    def __call__(
        self, buffer: bytearray, start: int, stop: int
    ) -> tuple[tuple[Rows, Mask] | CommandRefused, int] | None:
        """Return ``((rows, present), end)``, or None while bytes are missing.

        One command that is refused is a CommandRefused; of several, it is among `refused`.

        Raises:
            ValueError: these bytes are not RESP, or not the replies to these MGETs.
        """
        arrived = np.frombuffer(buffer, np.uint8, stop - start, start)
        while True:
            heads, row, offset = self._read
            heads, row, offset, is_grid = walk(arrived, heads, row, offset, *self._inputs)
            self._read = heads, row, offset
            if row == len(self._items):
                return self._to, start + offset
            if is_grid:
                return None
            parsed = parse(buffer, start + offset, stop)
            if parsed is None:
                return None
            reply, end = parsed
            if row < self._bounds[heads]:
                self._read = heads, row + 1, end - start
                self._take(reply, row)
            elif not isinstance(reply, CommandRefused):
                raise ValueError("the reply to an MGET has another length than its keys")
            elif len(self._bounds) == 2:
                return reply, end
            else:
                self._read = heads + 1, int(self._bounds[heads + 1]), end - start
                self._note(reply, self._places[row : self._bounds[heads + 1]])

    def _take(self, reply: Reply, row: int) -> None:
        """Decode one row the exact way."""
        rows, present = self._to
        value = reply if isinstance(reply, bytes) else None
        owner = self._table.owners[self._items[row : row + 1]]
        decoded, found = decode_rows([value], owner, self._table.schema, self._odd)
        rows[self._places[row]], present[self._places[row]] = decoded[0], found[0]

    def _note(self, refusal: CommandRefused, places: Items) -> None:
        rows, present = self._to
        rows[places], present[places] = self._table.schema.default_row, False
        self._refused.append((places, refusal))


@inlined
def _agree(reply: Bytes, offset: int, pattern: Bytes) -> bool:
    """Tell whether the reply goes on with the pattern, as far as it goes."""
    for place in range(min(len(pattern), len(reply) - offset)):
        if reply[offset + place] != pattern[place]:
            return False
    return True


@inlined
def _write_head(head: Bytes, count: int) -> Bytes:
    """Write how an array of so many elements begins, from the end; return that."""
    at = len(head) - 2
    head[at], head[at + 1] = CR, LF
    while True:
        at -= 1
        head[at] = ZERO + count % 10
        count //= 10
        if not count:
            head[at - 1] = STAR
            return head[at - 1 :]


@kernel(
    inputs(types.uint8),
    types.int64,
    types.int64,
    types.int64,
    inputs(types.uint8),
    types.uint64,
    inputs(types.float32),
    inputs(types.uint64),
    inputs(types.int64),
    inputs(types.int64),
    inputs(types.int64),
    output(types.float32, 2),
    output(types.boolean),
    output(types.int64),
    returns=types.Tuple((types.int64, types.int64, types.int64, types.boolean)),  # type: ignore[no-untyped-call]
)
def walk(
    reply: Bytes,
    heads: int,
    row: int,
    offset: int,
    prefix: Bytes,
    schema_stamp: np.uint64,
    default_row: NDArray[np.float32],
    owners: Fingerprints,
    items: Items,
    bounds: Longs,
    places: Items,
    rows: Rows,
    present: Mask,
    odd: Odd,
) -> tuple[int, int, int, bool]:
    """Decode the rows from ``row`` at ``offset`` on that have arrived, by the rules of the codec.

    ``heads`` is how many replies have begun by then. Returns it, the first row that has not
    arrived, where that or the head before it begins, and whether what is there agrees with a grid.
    """
    values = rows.view(np.uint8)
    width = values.shape[1]
    # The prefix of a whole row is compared by two words, for there are as many bytes as that.
    opening, mask, words = np.zeros(2, np.uint64), np.zeros(2, np.uint64), np.empty(2, np.uint64)
    opening.view(np.uint8)[: len(prefix)] = prefix
    mask.view(np.uint8)[: len(prefix)] = 255
    word_bytes = words.view(np.uint8)
    opening_0, opening_1, mask_0, mask_1 = opening[0], opening[1], mask[0], mask[1]
    room = np.empty(HEAD_BYTES, np.uint8)
    next_head = bounds[heads]
    while row < len(items):
        if row == next_head:
            head = _write_head(room, bounds[heads + 1] - row)
            if not _agree(reply, offset, head):
                return heads, row, offset, False
            if len(reply) - offset < len(head):
                break
            heads, offset = heads + 1, offset + len(head)
            next_head = bounds[heads]
        place, value = places[row], offset + len(prefix)
        end = value + HEADER_BYTES + width
        whole = len(reply) >= end + 2
        if whole:
            copy(word_bytes, 0, reply, offset, 16)
        if not whole or (words[0] & mask_0, words[1] & mask_1) != (opening_0, opening_1):
            if not _agree(reply, offset, MISSING):
                return heads, row, offset, not whole and _agree(reply, offset, prefix)
            if len(reply) - offset < len(MISSING):
                break
            present[place] = False
            rows[place] = default_row
            row, offset = row + 1, offset + len(MISSING)
            continue
        if reply[end] != CR or reply[end + 1] != LF:
            return heads, row, offset, False
        copy(word_bytes, 0, reply, value, HEADER_BYTES)
        present[place] = words[0] == schema_stamp and words[1] == owners[items[row]]
        if present[place]:
            copy(values, place * width, reply, value + HEADER_BYTES, width)
            finite = True
            for column in range(rows.shape[1]):
                finite &= np.isfinite(rows[place, column])
            if not finite:
                odd[IMPUTED] += 1
                for column in range(rows.shape[1]):
                    if not np.isfinite(rows[place, column]):
                        rows[place, column] = default_row[column]
        else:
            odd[REFUSED] += 1
            rows[place] = default_row
        row, offset = row + 1, end + 2
    return heads, row, offset, True
