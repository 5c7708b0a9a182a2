"""A catalogue's properties as columns that a filter can ask about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.types import Mask


@dataclass(frozen=True, slots=True)
class Numbers:
    """float64[n], NaN where an item has none; true is 1 and false is 0."""

    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labels:
    """Which items have which label: one text each, or several.

    A label with the code c is that of ``items[starts[c] : starts[c + 1]]``, int64 each;
    ``present`` is bool[n], False for an item without any.
    """

    codes: Mapping[str, int]
    starts: NDArray[np.int64]
    items: NDArray[np.int64]
    present: Mask


@dataclass(frozen=True, slots=True)
class Unfit:
    """Values that cannot be compared, and what is wrong with them."""

    reason: str


type Column = Numbers | Labels | Unfit


@dataclass(frozen=True, slots=True)
class Table:
    """``size`` items, and the columns of their properties by name."""

    size: int
    columns: Mapping[str, Column]

    @classmethod
    def of(cls, properties: Sequence[Mapping[str, Any]]) -> Table:
        """Make columns of JSON-like properties; null, NaN, "" and [] count as missing."""
        found: dict[str, tuple[list[int], list[Any]]] = {}
        for item, record in enumerate(properties):
            for name, value in record.items():
                if not is_missing(value):
                    items, values = found.setdefault(name, ([], []))
                    items.append(item)
                    values.append(value)
        size = len(properties)
        return cls(size, {name: _column(size, *pairs) for name, pairs in found.items()})

    def changed(self, size: int, records: Mapping[int, Mapping[str, Any]]) -> Table:
        """Return the table of ``size`` items, of which those in ``records`` have other properties.

        ``size`` may be larger than before: an item that is in neither has none. The columns that
        nobody changed are copied by runs, not made anew.
        """
        others = np.ones(size, np.bool_)
        others[list(records)] = False
        told: dict[str, tuple[list[int], list[Any]]] = {name: ([], []) for name in self.columns}
        for item in sorted(records):
            for name, value in records[item].items():
                if not is_missing(value):
                    items, values = told.setdefault(name, ([], []))
                    items.append(item)
                    values.append(value)
        return Table(
            size,
            {
                name: _column(size, *pairs)
                if name not in self.columns
                else _changed(self.columns[name], size, others, *pairs)
                for name, pairs in told.items()
            },
        )


def _changed(
    column: Column, size: int, others: Mask, items: list[int], values: list[Any]
) -> Column:
    """Keep what a column says of ``others`` bool[size], and add what is said of the rest."""
    if isinstance(column, Unfit):
        return column
    more = _column(size, items, values) if items else None
    if isinstance(more, Unfit):
        return more
    match column, more:
        case Numbers(numbers), Numbers() | None:
            kept = np.full(size, np.nan)
            kept[: len(numbers)] = numbers
            kept[~others] = more.values[~others] if more is not None else np.nan
            return Numbers(kept)
        case Labels(), Labels() | None:
            return _joined(column, more, size, others)
    return Unfit("holds values that are neither all numbers nor all texts (some came later)")


def _joined(column: Labels, more: Labels | None, size: int, others: Mask) -> Labels:
    codes = dict(column.codes)
    every = np.repeat(np.arange(len(column.starts) - 1), np.diff(column.starts))
    keep = others[column.items]
    labels, items = every[keep], column.items[keep]
    present = np.zeros(size, np.bool_)
    present[: len(column.present)] = column.present
    present &= others
    if more is not None:
        code_of = np.array([codes.setdefault(label, len(codes)) for label in more.codes], np.int64)
        fresh = code_of[np.repeat(np.arange(len(more.codes)), np.diff(more.starts))]
        order = np.argsort(fresh, kind="stable")
        places = np.searchsorted(labels, fresh[order], side="right")
        labels = np.insert(labels, places, fresh[order])
        items = np.insert(items, places, more.items[order])
        present |= more.present
    starts = np.searchsorted(labels, np.arange(len(codes) + 1))
    return Labels(codes, starts, items, present)


def is_missing(value: object) -> bool:
    """Tell whether a property's value is none: null, NaN, "" or []."""
    return value is None or value in ("", []) or value != value  # NaN


def _column(size: int, items: list[int], values: list[Any]) -> Column:
    kinds = set(map(type, values))
    if kinds <= {int, float, bool}:
        numbers = np.full(size, np.nan)
        numbers[items] = [_number(value) for value in values]
        return Numbers(numbers)
    if kinds <= {str, list, tuple}:
        lists = [(value,) if isinstance(value, str) else value for value in values]
        if all(isinstance(label, str) for labels in lists for label in labels):
            return _labels(size, items, lists)
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    return Unfit(f"holds values that are neither all numbers nor all texts ({names})")


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond every double is beyond whatever it is compared with
        return float("inf") if value > 0 else float("-inf")


def _labels(size: int, items: list[int], lists: Sequence[Sequence[str]]) -> Labels:
    codes: dict[str, int] = {}
    every = (codes.setdefault(label, len(codes)) for labels in lists for label in labels)
    coded = np.fromiter(every, np.int64)
    owners = np.repeat(np.array(items, np.int64), np.fromiter(map(len, lists), np.int64))
    order = np.argsort(coded, kind="stable")
    present = np.zeros(size, np.bool_)
    present[items] = True
    starts = np.searchsorted(coded[order], np.arange(len(codes) + 1))
    return Labels(codes, starts, owners[order], present)
