"""Examples from what was served: the very rows that were scored, and what users then did."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, parquet

from features.events import WEIGHTS
from training.datasets.errors import DataError
from training.examples import Examples
from training.logs.files import log_files
from training.logs.tables import COLUMNS

WITHIN_S: Final = 1800.0
"""An event that names no request may be so long after the slate that it is credited to."""
LARGEST_LABEL: Final = 10
"""LambdaMART's gain doubles with each step of a label."""

type Shown = Mapping[tuple[str, str], float]
"""A (request, item) and the label it has earned."""


def read_served(
    folder: Path, columns: Sequence[str] | None = None, within_s: float = WITHIN_S
) -> Examples:
    """Join what `braid log export` wrote: rows of shown items, labels by the events that followed.

    A label is the largest of `features.events.WEIGHTS` that the item earned, rounded, a custom
    event's being its own; 0 where nothing followed, or the item was disliked. An event is credited
    to the request that it names; one that names none, to the last slate in which its user was
    shown the item, at most ``within_s`` seconds before. Requests in which all items have the same
    label teach no order and are left out.

    ``columns`` are the columns wanted, those of the newest file if left out.

    Raises:
        DataError: nothing was exported, a file lacks a column, or nothing was ever chosen.
    """
    files = log_files(folder / "features")
    if not files:
        raise DataError(
            f"{folder}: no features in it; serve with --log-features 0.01, then run "
            f"`braid log export --into {folder}`"
        )
    wanted = tuple(columns) if columns is not None else _columns(files[-1])
    shown = [_shown(path, wanted) for path in files]
    labels = _labels(_events(folder / "events"), shown, within_s)
    blocks, earned = list[NDArray[np.float32]](), list[NDArray[np.int32]]()
    for table in shown:
        rows = _matrix(table, wanted)
        label = _label(table, labels)
        for low, high in _requests(table):
            if label[low:high].min() < label[low:high].max():
                blocks.append(rows[low:high])
                earned.append(label[low:high])
    if not blocks:
        raise DataError(
            f"{folder}: in no logged request was one item chosen over another; log more requests, "
            "or send the events with the request_id that they came from"
        )
    return Examples(
        columns=wanted,
        rows=np.concatenate(blocks),
        labels=np.concatenate(earned),
        requests=np.array([len(label) for label in earned], np.int32),
    )


def _columns(path: Path) -> tuple[str, ...]:
    try:
        return tuple(json.loads((parquet.read_schema(path).metadata or {})[COLUMNS]))
    except (OSError, KeyError, ValueError, pa.ArrowException) as fault:
        raise DataError(f"{path}: is no file of logged features ({fault})") from fault


def _shown(path: Path, wanted: Sequence[str]) -> pa.Table:
    """Return the rows of one file that were shown, request by request."""
    missing = sorted(set(wanted) - set(_columns(path)))
    if missing:
        raise DataError(
            f"{path}: lacks {', '.join(missing[:5])}; it was logged under a model of other "
            "columns: move it away, or ask for columns that all files have"
        )
    kept = ["request_id", "timestamp_ms", "user_id", "item_id", "place", *wanted]
    return parquet.read_table(path, columns=kept, filters=compute.field("place") >= 0)


def _events(folder: Path) -> pa.Table | None:
    files = log_files(folder)
    return pa.concat_tables([parquet.read_table(path) for path in files]) if files else None


def _labels(
    events: pa.Table | None, shown: Sequence[pa.Table], within_s: float
) -> dict[tuple[str, str], float]:
    """Return what each shown (request, item) has earned; -inf for a dislike, whatever else."""
    earned: dict[tuple[str, str], float] = {}
    if events is None:
        return earned
    slates = _slates(shown)
    for event in events.to_pylist():
        user, item = event["user_id"], event["item_id"]
        request = event["request_id"] or _credited(
            slates.get((user, item), ()), event["timestamp_ms"], within_s
        )
        weight = _weight(event)
        if request is not None and weight:
            key = request, item
            disliked = min(weight, earned.get(key, 0.0)) < 0
            earned[key] = -np.inf if disliked else max(weight, earned.get(key, 0.0))
    return earned


def _weight(event: Mapping[str, object]) -> float:
    if event["type"] == "dislike":
        return -np.inf
    own = event["weight"]
    return float(own) if isinstance(own, float) else WEIGHTS.get(str(event["type"]), 0.0)


def _slates(shown: Sequence[pa.Table]) -> dict[tuple[str, str], list[tuple[int, str]]]:
    """Return when each user was shown each item, oldest first, and in which request."""
    slates: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for table in shown:
        columns = ("user_id", "item_id", "timestamp_ms", "request_id")
        for user, item, time, request in zip(
            *(table[name].to_pylist() for name in columns), strict=True
        ):
            if user is not None:
                slates.setdefault((user, item), []).append((time, request))
    for times in slates.values():
        times.sort()
    return slates


def _credited(times: Sequence[tuple[int, str]], now_ms: int, within_s: float) -> str | None:
    for time, request in reversed(times):
        if time <= now_ms:
            return request if now_ms - time <= 1000 * within_s else None
    return None


def _label(table: pa.Table, labels: Shown) -> NDArray[np.int32]:
    pairs = zip(table["request_id"].to_pylist(), table["item_id"].to_pylist(), strict=True)
    earned = [max(labels.get(pair, 0.0), 0.0) for pair in pairs]
    return np.minimum(np.rint(earned), LARGEST_LABEL).astype(np.int32)


def _matrix(table: pa.Table, wanted: Sequence[str]) -> NDArray[np.float32]:
    rows = np.empty((len(table), len(wanted)), np.float32)
    for place, name in enumerate(wanted):
        rows[:, place] = table[name].to_numpy()
    return rows


def _requests(table: pa.Table) -> Iterator[tuple[int, int]]:
    """Yield where each request's rows begin and end: they follow on each other."""
    ids = table["request_id"].to_pylist()
    starts = [row for row in range(len(ids)) if row == 0 or ids[row] != ids[row - 1]]
    yield from zip(starts, [*starts[1:], len(ids)], strict=True)
