r"""An MGET reply of equal-length values, read as the regular grid that it is.

    *3\r\n $80\r\n <80 bytes> \r\n $80\r\n <80 bytes> \r\n $80\r\n <80 bytes> \r\n

Every row repeats the same prefix at the same stride, so one comparison of a uint8 column block
replaces the parse, and the rows are a slice of the buffer: no Python object per row.
"""

import numpy as np

from features.codec import Fingerprints, Grid, decode_grid, decode_rows, row_bytes
from features.errors import CommandRefused
from features.resp import parse
from features.schema import Schema
from features.types import Mask, Rows


class GridReader:
    """Decodes the reply to one MGET of ``len(owners)`` rows of ``schema``.

    Called by the connection with what has arrived so far; a reply that is no regular grid
    (a missing row, a row of another length, an error) takes the exact path through `parse`.
    """

    __slots__ = ("_header", "_owners", "_prefix", "_schema", "_stride")

    def __init__(self, owners: Fingerprints, schema: Schema) -> None:
        self._owners = owners
        self._schema = schema
        self._header = b"*%d\r\n" % len(owners)
        self._prefix = b"$%d\r\n" % row_bytes(schema)
        self._stride = len(self._prefix) + row_bytes(schema) + 2

    def __call__(
        self, buffer: bytearray, start: int, stop: int
    ) -> tuple[tuple[Rows, Mask] | CommandRefused, int] | None:
        """Return ``((rows, present), end)``, or None while bytes are missing.

        Raises:
            ValueError: these bytes are not RESP, or not the reply to this MGET.
        """
        end = start + len(self._header) + len(self._owners) * self._stride
        if self._is_regular(buffer, start, min(end, stop)):
            if stop < end:
                return None
            grid = self._grid(buffer, start, len(self._owners))
            prefix = len(self._prefix)
            return decode_grid(grid[:, prefix:-2], self._owners, self._schema), end
        return self._parse_exactly(buffer, start, stop)

    def _is_regular(self, buffer: bytearray, start: int, stop: int) -> bool:
        """Tell whether all that has arrived agrees with the grid, the last partial row too."""
        rows = start + len(self._header)
        if stop < rows:  # what follows may not even fit in the buffer
            return self._header.startswith(buffer[start:stop])
        if not buffer.startswith(self._header, start):
            return False
        whole, rest = divmod(stop - rows, self._stride)
        expected = np.frombuffer(self._prefix, dtype=np.uint8)
        grid = self._grid(buffer, start, whole)
        if not (grid[:, : len(self._prefix)] == expected).all():
            return False
        return self._prefix.startswith(buffer[stop - rest : stop][: len(self._prefix)])

    def _grid(self, buffer: bytearray, start: int, rows: int) -> Grid:
        offset = start + len(self._header)
        view = np.frombuffer(buffer, np.uint8, rows * self._stride, offset)
        return view.reshape(rows, self._stride)

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
