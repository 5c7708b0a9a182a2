"""Columns of a table file as features, as moments, and as what a response shows."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import types

from training.datasets.errors import DataError
from training.datasets.rows import FeatureColumns, labels, numbers

FIRST_MILLISECONDS: Final = 100_000_000_000
"""A numeric timestamp from here on counts milliseconds (since 1973), below it seconds."""
LAST_MOMENT: Final = 1e15
"""No time is this many seconds or milliseconds from 1970; NaN and infinity are none either."""
MS_PER_DAY: Final = 86_400_000


def feature(path: Path, name: str, column: pyarrow.ChunkedArray, n: int) -> FeatureColumns | None:
    """Turn a column into a feature of n rows, by its type; rows beyond the column get nothing.

    Numbers, truth values and dates (as days since 1970) become one column, whose gaps the median
    fills. Words, lists of words and words separated by ``|`` become one column per label.
    """
    kind, beyond = column.type, n - len(column)
    if types.is_null(kind):
        return None
    if _is_moment(kind):
        ms = _moments(column).to_pylist()
        return numbers(name, [*(v if v is None else v / MS_PER_DAY for v in ms), *[None] * beyond])
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        known = [value if value is None else float(value) for value in column.to_pylist()]
        return numbers(name, [*known, *[None] * beyond])
    if types.is_string(kind) or types.is_large_string(kind):
        words = [(text or "").split("|") for text in column.to_pylist()]
    elif types.is_list(kind) or types.is_large_list(kind):
        words = [[str(word) for word in row or ()] for row in column.to_pylist()]
    else:
        raise DataError(f"{path}: column {name!r} holds {kind}; give numbers, words or lists")
    kept = [[word.strip() for word in row if word.strip()] for row in words]
    return labels(name, [*kept, *[[]] * beyond])


def milliseconds(path: Path, name: str, column: pyarrow.ChunkedArray) -> NDArray[np.int64]:
    """Return Unix milliseconds int64[n] of date-times, Unix seconds or Unix milliseconds.

    Raises:
        DataError: the column is none of these.
    """
    if _is_moment(column.type):
        return np.asarray(_moments(column).to_numpy(), dtype=np.int64)
    if not (types.is_integer(column.type) or types.is_floating(column.type)):
        raise DataError(
            f"{path}: column {name!r} holds {column.type}; give date-times such as "
            "2026-11-22T10:00:00, or Unix seconds"
        )
    values = np.asarray(column.to_numpy(), dtype=np.float64)
    if not (np.abs(values) < LAST_MOMENT).all():
        raise DataError(f"{path}: column {name!r} holds a value that is no moment; drop its row")
    scale = np.where(np.abs(values) < FIRST_MILLISECONDS, 1000.0, 1.0)
    return np.rint(values * scale).astype(np.int64)


def properties(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a response shows of an item: words with ``|`` as lists, dates as ISO text."""
    return {name: _plain(value) for name, value in record.items() if name != "item_id"}


def _is_moment(kind: pyarrow.DataType) -> bool:
    return bool(types.is_timestamp(kind) or types.is_date(kind))


def _moments(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    return column.cast(pyarrow.timestamp("ms"), safe=False).cast(pyarrow.int64())


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.split("|") if "|" in value else value
    if isinstance(value, float):
        return value if np.isfinite(value) else None  # JSON has no NaN
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if value is None or isinstance(value, bool | int):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
