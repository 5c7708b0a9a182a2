"""Masks of the filters that requests bring, kept for the next request with the same one."""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np

from features.types import Mask
from ranking.attributes import Attributes
from ranking.filters import Table, check, parse, select

# A shop's pages send the same few filters again and again; a client that makes up new ones all the
# time pushes the oldest out.
MOST_BYTES = 64 * 2**20
MOST_MASKS = 1024


class Filters:
    """One catalogue's columns and the masks made of them, shared by all threads.

    Looking a mask up takes no lock. A mask that two threads lack at once is made twice, which does
    no harm: both are equal, and never written again.
    """

    def __init__(self, properties: Sequence[Mapping[str, Any]]) -> None:
        self._begin(Table.of(properties))

    @classmethod
    def of(cls, table: Table) -> Filters:
        """Return those of columns that are made already."""
        made = cls.__new__(cls)
        made._begin(table)
        return made

    def changed(self, size: int, records: Mapping[int, Mapping[str, Any]]) -> Filters:
        """Return those of a catalogue of ``size`` items, some of which have other properties."""
        return Filters.of(self.table.changed(size, records))

    def _begin(self, table: Table) -> None:
        self.table = table
        self.attributes = Attributes(table)
        self._most = max(1, min(MOST_MASKS, MOST_BYTES // max(1, table.size)))
        self._hidden: dict[str, Mask] = {}
        self._making_room = Lock()

    def __len__(self) -> int:
        """Return how many masks are kept."""
        return len(self._hidden)

    @property
    def columns(self) -> frozenset[str]:
        """Return the names of the properties that any item has."""
        return frozenset(self.table.columns)

    def hidden(self, text: str) -> Mask:
        """Return bool[n_items], read-only: True for each item that the filter does not let pass.

        Raises:
            FilterRejected: it is no filter, or none for this catalogue.
        """
        mask = self._hidden.get(text)
        if mask is None:
            tree = parse(text)
            check(tree, self.table)
            mask = np.logical_not(select(tree, self.table))
            mask.flags.writeable = False
            with self._making_room:
                while len(self._hidden) >= self._most:
                    del self._hidden[next(iter(self._hidden))]
                self._hidden[text] = mask
        return mask
