"""Reading rows from Feast's hashes: one HMGET for each entity, all in one round trip."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.batch import Commands
from features.codec import IMPUTED, no_odd
from features.feast.value import NotReadable, read_value
from features.given import FeatureRejected, cells_of, lay
from features.keys import slot_of
from features.resp import Reply, bulk, parse
from features.schema import Schema
from features.types import Mask, Rows

HEAD_BYTES = 5  # "$5\r\n" and the tag of a float32
CELL_BYTES = HEAD_BYTES + 4 + 2


class Layout:
    """What all HMGETs of one kind of entity have in common.

    ``plain`` matches a whole reply in which every value is a float32: such replies are a grid of
    bytes, which is read without a Python object for each value.
    """

    def __init__(self, schema: Schema, fields: Sequence[bytes]) -> None:
        self.schema = schema
        self.head = b"*%d\r\n$5\r\nHMGET\r\n" % (len(fields) + 2)
        self.fields = b"".join(map(bulk, fields))
        self.start = len(b"*%d\r\n" % len(fields))
        self.plain: re.Pattern[bytes] | None = None
        if len(fields) == schema.width:
            reply = rb"\*%d\r\n(?:\$5\r\n5.{4}\r\n){%d}" % (len(fields), len(fields))
            self.plain = re.compile(reply, re.DOTALL)

    def read_one(self, buffer: bytearray, start: int, stop: int) -> tuple[Reply, int] | None:
        """Read a reply: bytes, as they are, where it is plain, else what `parse` gives."""
        if self.plain is not None and (found := self.plain.match(buffer, start, stop)):
            return found.group(), found.end()
        return parse(buffer, start, stop)


class RowReads(Commands):
    """The rows of entities, by their keys.

    ``odd`` counts rows of which values were missing or unfit: the schema's defaults stand in.
    """

    def __init__(self, layout: Layout, keys: Sequence[bytes]) -> None:
        words = [b"".join((layout.head, bulk(key), layout.fields)) for key in keys]
        super().__init__(words, (), reading=True, read_one=layout.read_one)
        self.odd = no_odd()
        self._layout = layout
        self._keys = keys

    def slots(self) -> NDArray[np.int64]:
        """Return the slot of each key, int64[n]."""
        return np.array([slot_of(key) for key in self._keys], np.int64)

    def rows(self) -> tuple[Rows, Mask]:
        """Decode what was read: ``(rows float32[n, w], present bool[n])``."""
        schema, cells = self._layout.schema, self.cells
        rows = np.tile(schema.default_row, (len(cells), 1))
        plain = np.array([isinstance(cell, bytes) for cell in cells], np.bool_)
        present = plain.copy()
        if plain.any():
            rows[plain] = self._grid([cell for cell in cells if isinstance(cell, bytes)])
        for place in np.flatnonzero(~plain).tolist():
            values = cells[place]
            if isinstance(values, list) and any(value is not None for value in values):
                present[place] = True
                self.odd[IMPUTED] += not self._lay(rows[place], values)
        unfit = ~np.isfinite(rows)
        if unfit.any():
            self.odd[IMPUTED] += np.count_nonzero(unfit.any(axis=1))
            rows = np.where(unfit, schema.default_row, rows)
        return rows, present

    def _grid(self, replies: list[bytes]) -> Rows:
        whole = np.frombuffer(b"".join(replies), np.uint8).reshape(len(replies), -1)
        cells = whole[:, self._layout.start :].reshape(len(replies), -1, CELL_BYTES)
        values = np.ascontiguousarray(cells[:, :, HEAD_BYTES : HEAD_BYTES + 4])
        return values.view("<f4")[:, :, 0].astype(np.float32, copy=False)

    def _lay(self, row: NDArray[np.float32], values: Sequence[Reply]) -> bool:
        """Write the values that fit to a row; return whether all did."""
        whole = True
        for feature, message in zip(self._layout.schema.features, values, strict=True):
            try:
                value = read_value(message) if isinstance(message, bytes) else None
                if value is None:
                    whole = False
                    continue
                lay(row, cells_of({feature.name: value}, self._layout.schema))
            except NotReadable, FeatureRejected:
                whole = False
        return whole
