"""A catalogue's attributes by item: which labels each has, where a filter asks who has a label."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.filters.table import Labels, Table


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column of labels, by item.

    Item i has the labels ``codes[starts[i] : starts[i + 1]]``, int32 each, ascending and without
    repeats; ``starts`` is int64[n + 1]. There are ``n_labels`` different codes.
    """

    starts: NDArray[np.int64]
    codes: NDArray[np.int32]
    n_labels: int

    @classmethod
    def of(cls, column: Labels) -> Attribute:
        """Turn a filter's column round: one pass over the catalogue's labels."""
        size, n_labels = len(column.present), len(column.codes)
        codes = np.repeat(np.arange(n_labels, dtype=np.int32), np.diff(column.starts))
        order = np.argsort(column.items, kind="stable")
        items, codes = column.items[order], codes[order]
        first = np.ones(len(items), np.bool_)
        first[1:] = (items[1:] != items[:-1]) | (codes[1:] != codes[:-1])
        items, codes = items[first], codes[first]
        starts = np.zeros(size + 1, np.int64)
        np.cumsum(np.bincount(items, minlength=size), out=starts[1:])
        starts.flags.writeable = codes.flags.writeable = False
        return cls(starts, codes, n_labels)


class Attributes:
    """The attributes of a table's columns, each derived when it is first asked for.

    Looking one up takes no lock; one that two threads lack at once is made twice, alike.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._made: dict[str, Attribute] = {}

    def of(self, name: str) -> Attribute | None:
        """Return the column by item; None where there is none or it holds no labels."""
        made = self._made.get(name)
        column = self.table.columns.get(name)
        if made is None and isinstance(column, Labels):
            made = self._made[name] = Attribute.of(column)
        return made
