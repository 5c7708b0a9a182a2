r"""An MGET reply of equal-length values, read as the regular grid that it nearly is.

    *3\r\n $80\r\n <80 bytes> \r\n $-1\r\n $80\r\n <80 bytes> \r\n

Every value repeats the same prefix before the same number of bytes, or is missing. One kernel
walks along, checks each row's header and copies its values: no Python object per row. It takes
the rows that have arrived while the server still writes the others.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.atomics import copy
from features.codec import HEADER_BYTES, Fingerprints, decode_rows
from features.errors import CommandRefused
from features.item_table import ItemTable
from features.kernels import inlined, inputs, kernel, output
from features.resp import parse
from features.types import Items, Mask, Rows

# atomics.py: 31854f1f52b8ff68b532a12314d078606b3b63a76cefed583e7ec60fbbb63341

MISSING = np.frombuffer(b"$-1\r\n", np.uint8)
CR, LF = b"\r\n"

type Bytes = NDArray[np.uint8]


class GridReader:
    """Decodes the reply to ``table.mget(items)``, once.

    Called by the connection, again and again, with what has arrived so far. A reply that is no
    grid (a row of another length, an error) takes the exact path through `parse`.
    """

    __slots__ = ("_header", "_is_grid", "_items", "_read", "_table", "_walk")

    def __init__(self, table: ItemTable, items: Items) -> None:
        self._table = table
        self._items = items
        self._header = b"*%d\r\n" % len(items)
        rows: Rows = np.empty((len(items), table.schema.width), np.float32)
        present: Mask = np.empty(len(items), np.bool_)
        self._walk = (*table.layout, table.owners, items, rows, present)
        self._read = 0, len(self._header)  # how many rows, and to which offset in the reply
        self._is_grid = True

    def __call__(
        self, buffer: bytearray, start: int, stop: int
    ) -> tuple[tuple[Rows, Mask] | CommandRefused, int] | None:
        """Return ``((rows, present), end)``, or None while bytes are missing.

        Raises:
            ValueError: these bytes are not RESP, or not the reply to this MGET.
        """
        rows, offset = self._read
        if not rows and self._is_grid:
            head = buffer[start : min(start + len(self._header), stop)]
            self._is_grid = self._header.startswith(head)
            if len(head) < len(self._header) and self._is_grid:
                return None
        if not self._is_grid:
            return self._parse_exactly(buffer, start, stop)
        arrived = np.frombuffer(buffer, np.uint8, stop - start, start)
        rows, offset, self._is_grid = walk(arrived, rows, offset, *self._walk)
        if rows == len(self._items):
            return self._walk[-2:], start + offset
        self._read = rows, offset
        return None if self._is_grid else self._parse_exactly(buffer, start, stop)

    def _parse_exactly(
        self, buffer: bytearray, start: int, stop: int
    ) -> tuple[tuple[Rows, Mask] | CommandRefused, int] | None:
        parsed = parse(buffer, start, stop)
        if parsed is None:
            return None
        reply, end = parsed
        if isinstance(reply, CommandRefused):
            return reply, end
        if not isinstance(reply, list) or len(reply) != len(self._items):
            raise ValueError("the reply to an MGET has another length than its keys")
        values = [value if isinstance(value, bytes) else None for value in reply]
        return decode_rows(values, self._table.owners[self._items], self._table.schema), end


@inlined
def _agree(reply: Bytes, offset: int, pattern: Bytes) -> bool:
    """Tell whether the reply goes on with the pattern, as far as it goes."""
    for place in range(min(len(pattern), len(reply) - offset)):
        if reply[offset + place] != pattern[place]:
            return False
    return True


@kernel(
    inputs(types.uint8),
    types.int64,
    types.int64,
    inputs(types.uint8),
    types.uint64,
    inputs(types.float32),
    inputs(types.uint64),
    inputs(types.int64),
    output(types.float32, 2),
    output(types.boolean),
    returns=types.Tuple((types.int64, types.int64, types.boolean)),  # type: ignore[no-untyped-call]
)
def walk(
    reply: Bytes,
    row: int,
    offset: int,
    prefix: Bytes,
    schema_stamp: np.uint64,
    default_row: NDArray[np.float32],
    owners: Fingerprints,
    items: Items,
    rows: Rows,
    present: Mask,
) -> tuple[int, int, bool]:
    """Decode the rows from ``row`` at ``offset`` on that have arrived, by the rules of the codec.

    Returns the first row that has not arrived, where it begins, and whether what is there of it
    agrees with a grid.
    """
    values = rows.view(np.uint8)
    width = values.shape[1]
    # The prefix of a whole row is compared by two words, for there are as many bytes as that.
    opening, mask, words = np.zeros(2, np.uint64), np.zeros(2, np.uint64), np.empty(2, np.uint64)
    opening.view(np.uint8)[: len(prefix)] = prefix
    mask.view(np.uint8)[: len(prefix)] = 255
    word_bytes = words.view(np.uint8)
    opening_0, opening_1, mask_0, mask_1 = opening[0], opening[1], mask[0], mask[1]
    while row < len(items):
        value = offset + len(prefix)
        end = value + HEADER_BYTES + width
        whole = len(reply) >= end + 2
        if whole:
            copy(word_bytes, 0, reply, offset, 16)
        if not whole or (words[0] & mask_0, words[1] & mask_1) != (opening_0, opening_1):
            if not _agree(reply, offset, MISSING):
                return row, offset, not whole and _agree(reply, offset, prefix)
            if len(reply) - offset < len(MISSING):
                break
            present[row] = False
            rows[row] = default_row
            row, offset = row + 1, offset + len(MISSING)
            continue
        if reply[end] != CR or reply[end + 1] != LF:
            return row, offset, False
        copy(word_bytes, 0, reply, value, HEADER_BYTES)
        present[row] = words[0] == schema_stamp and words[1] == owners[items[row]]
        if present[row]:
            copy(values, row * width, reply, value + HEADER_BYTES, width)
            finite = True
            for column in range(rows.shape[1]):
                finite &= np.isfinite(rows[row, column])
            if not finite:
                for column in range(rows.shape[1]):
                    if not np.isfinite(rows[row, column]):
                        rows[row, column] = default_row[column]
        else:
            rows[row] = default_row
        row, offset = row + 1, end + 2
    return row, offset, True
