"""A catalogue's properties as columns that a filter can ask about."""

from collections.abc import Iterable, Mapping, Sequence
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

    codes: dict[str, int]
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
                if not _missing(value):
                    items, values = found.setdefault(name, ([], []))
                    items.append(item)
                    values.append(value)
        size = len(properties)
        return cls(size, {name: _column(size, *pairs) for name, pairs in found.items()})


def _missing(value: object) -> bool:
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


def _labels(size: int, items: list[int], lists: Iterable[Sequence[str]]) -> Labels:
    codes: dict[str, int] = {}
    pairs = [
        (codes.setdefault(label, len(codes)), item)
        for item, labels in zip(items, lists, strict=True)
        for label in labels
    ]
    coded = np.array(pairs, np.int64)
    coded = coded[np.argsort(coded[:, 0], kind="stable")]
    present = np.zeros(size, np.bool_)
    present[items] = True
    starts = np.searchsorted(coded[:, 0], np.arange(len(codes) + 1))
    return Labels(codes, starts, np.ascontiguousarray(coded[:, 1]), present)
