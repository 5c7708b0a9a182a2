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
from features.codec import HEADER_BYTES, Fingerprints, decode_rows, row_bytes, stamp
from features.errors import CommandRefused
from features.kernels import inlined, inputs, kernel, output
from features.resp import parse
from features.schema import Schema
from features.types import Mask, Rows

# atomics.py: 31854f1f52b8ff68b532a12314d078606b3b63a76cefed583e7ec60fbbb63341

MISSING = np.frombuffer(b"$-1\r\n", np.uint8)
CR, LF = b"\r\n"

type Bytes = NDArray[np.uint8]


class GridReader:
    """Decodes the reply to one MGET of ``len(owners)`` rows of ``schema``, once.

    Called by the connection, again and again, with what has arrived so far. A reply that is no
    grid (a row of another length, an error) takes the exact path through `parse`.
    """

    __slots__ = ("_header", "_is_grid", "_owners", "_present", "_read", "_rows", "_schema", "_walk")

    def __init__(self, owners: Fingerprints, schema: Schema) -> None:
        self._owners = owners
        self._schema = schema
        self._header = b"*%d\r\n" % len(owners)
        self._rows: Rows = np.empty((len(owners), schema.width), np.float32)
        self._present: Mask = np.empty(len(owners), np.bool_)
        self._walk = (
            np.frombuffer(b"$%d\r\n" % row_bytes(schema), np.uint8),
            stamp(schema),
            owners,
            schema.default_row,
            self._rows.view(np.uint8),
            self._rows,
            self._present,
        )
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
        if rows == len(self._owners):
            return (self._rows, self._present), start + offset
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
        if not isinstance(reply, list) or len(reply) != len(self._owners):
            raise ValueError("the reply to an MGET has another length than its keys")
        values = [value if isinstance(value, bytes) else None for value in reply]
        return decode_rows(values, self._owners, self._schema), end


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
    inputs(types.uint64),
    inputs(types.float32),
    output(types.uint8, 2),
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
    owners: Fingerprints,
    default_row: NDArray[np.float32],
    row_bytes_out: Bytes,
    rows: Rows,
    present: Mask,
) -> tuple[int, int, bool]:
    """Decode the rows from ``row`` at ``offset`` on that have arrived, by the rules of the codec.

    ``row_bytes_out`` is the memory of ``rows``. Returns the first row that has not arrived,
    where it begins, and whether what is there of it agrees with a grid.
    """
    width = row_bytes_out.shape[1]
    head = np.empty(2, np.uint64)
    head_bytes = head.view(np.uint8)
    while row < len(owners):
        if _agree(reply, offset, MISSING):
            if len(reply) - offset < len(MISSING):
                break
            present[row] = False
            rows[row] = default_row
            row, offset = row + 1, offset + len(MISSING)
            continue
        if not _agree(reply, offset, prefix):
            return row, offset, False
        value = offset + len(prefix)
        end = value + HEADER_BYTES + width
        if len(reply) < end + 2:
            break
        if reply[end] != CR or reply[end + 1] != LF:
            return row, offset, False
        copy(head_bytes, 0, reply, value, HEADER_BYTES)
        present[row] = head[0] == schema_stamp and head[1] == owners[row]
        if present[row]:
            copy(row_bytes_out, row * width, reply, value + HEADER_BYTES, width)
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
