"""Reading item rows: one MGET for all, or one for each partition where a server has only some."""

import numpy as np
from numpy.typing import NDArray

from features import keys
from features.codec import no_odd
from features.grid import GridReader
from features.item_table import ItemTable
from features.types import Items, Mask, Rows

SLOTS = np.array(keys.SLOTS)


class ItemReads:
    """A batch whose commands are one per item; those of a partition travel in one MGET.

    What is read stands in ``rows`` float32[n, w] and ``present`` bool[n]; rows that no server has
    told are not to be looked at. ``odd`` counts those that were refused or imputed.
    """

    reading = True

    def __init__(self, table: ItemTable, items: Items) -> None:
        self.rows: Rows = np.empty((len(items), table.schema.width), np.float32)
        self.present: Mask = np.empty(len(items), np.bool_)
        self.odd = no_odd()
        self._table = table
        self._items = items

    def slots(self) -> NDArray[np.int64]:
        """Return the slot of each item's key, int64[n]."""
        return SLOTS[self._table.parts[self._items]]

    def whole(self) -> tuple[memoryview, GridReader]:
        """Return one MGET of all rows, for one server, and what reads the reply."""
        count = len(self._items)
        bounds = np.array([0, count])
        places = IN_ORDER[:count] if count <= len(IN_ORDER) else np.arange(count)
        return self._table.mget(self._items, bounds), self._reader(self._items, bounds, places)

    def some(self, places: Items, *, apart: bool = False) -> tuple[memoryview, GridReader]:
        """Return an MGET for each partition of these places, or with ``apart`` for each place."""
        parts = self._table.parts[self._items[places]]
        order = np.argsort(parts, kind="stable")
        places, parts = places[order], parts[order]
        inner = np.arange(1, len(places)) if apart else np.flatnonzero(np.diff(parts)) + 1
        bounds = np.concatenate(([0], inner, [len(places)]))
        items = self._items[places]
        return self._table.mget(items, bounds), self._reader(items, bounds, places)

    def _reader(self, items: Items, bounds: NDArray[np.int64], places: Items) -> GridReader:
        return GridReader(self._table, items, bounds, places, self.rows, self.present, self.odd)


IN_ORDER: Items = np.arange(8192)
IN_ORDER.flags.writeable = False
