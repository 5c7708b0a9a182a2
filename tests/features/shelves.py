"""Near caches over small catalogues, and rows that betray themselves."""

import math
import time
from collections.abc import Callable, Iterable

import numpy as np

from features.item_table import ItemTable
from features.near_cache import NearCache
from features.schema import Schema
from features.trust import Trust
from features.types import Items, Mask, Rows

ALWAYS = Trust()
ALWAYS.prove(math.inf)


class Shelf:
    """A catalogue of ``count`` items, ids "0", "1", ..., whose rows are ``width`` wide."""

    def __init__(self, count: int, width: int = 8) -> None:
        features = [{"name": "v", "shape": [width], "default": 0.25}] if width else []
        self.schema = Schema.parse({"name": "item", "version": 1, "features": features})
        self.ids = tuple(map(str, range(count)))
        self.items: Items = np.arange(count)
        self.table = ItemTable(self.ids, self.schema)
        self._place = {item_id: place for place, item_id in enumerate(self.ids)}

    def ordinals(self, item_ids: Iterable[str]) -> Items:
        """Find items as a catalogue does: no repeats, and unknown ids left out."""
        found = dict.fromkeys(map(self._place.get, item_ids))
        found.pop(None, None)
        return np.array(list(found), np.int64)

    def cache(self, trust: Trust = ALWAYS, mib: int = 16) -> NearCache:
        return NearCache(self.table, self.ordinals, mib, trust)

    def rows(self, items: Items, version: int) -> Rows:
        """Return rows that tell their item (odd columns) and their version (even columns)."""
        rows = np.empty((len(items), self.schema.width), np.float32)
        rows[:, 0::2] = version
        rows[:, 1::2] = items[:, None]
        return rows


def all_present(items: Items) -> Mask:
    return np.ones(len(items), np.bool_)


def until(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait for what another thread or process is about to do."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.002)
