"""Entries of the service's streams as tables that anything can read."""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.events import Recorded
from features.served import Served
from features.served_features import RECORD, ServedFeatures, decode

COLUMNS: Final = b"braid.columns"
"""In the metadata of a file of features: the names of the feature columns, in the rows' order."""


class Entry(NamedTuple):
    """One entry of a stream."""

    key: str
    entry_id: str
    fields: dict[bytes, bytes]


class Made(NamedTuple):
    """A table, and how many entries it was made of: some may have been unreadable."""

    table: pa.Table | None
    entries: int
    unreadable: int


WORD: Final = pa.string()

EVENTS: Final = pa.schema(
    {
        "user_id": WORD,
        "item_id": WORD,
        "type": WORD,
        "timestamp_ms": pa.int64(),
        "event_id": WORD,
        "request_id": WORD,
        "value": pa.float64(),
        "weight": pa.float64(),
        "name": WORD,
        "arrived_us": pa.int64(),
    }
)

SLATES: Final = pa.schema(
    {
        "request_id": WORD,
        "timestamp_ms": pa.int64(),
        "user_id": WORD,
        "surface": WORD,
        "variant": WORD,
        "place": pa.int32(),
        "item_id": WORD,
    }
)

HEAD: Final = {
    "request_id": WORD,
    "timestamp_ms": pa.int64(),
    "user_id": WORD,
    "surface": WORD,
    "variant": WORD,
    "model_version": WORD,
}
"""What all rows of one request have in common."""

_recorded = msgspec.json.Decoder(Recorded)
_slate = msgspec.json.Decoder(Served)


def events(entries: Sequence[Entry]) -> Made:
    """Make a table with one row per event."""
    rows = []
    for entry in entries:
        try:
            event = _recorded.decode(entry.fields[b"event"]).event
            arrived = int(entry.fields[b"arrived_us"])
        except KeyError, ValueError:
            continue
        rows.append({**msgspec.structs.asdict(event), "arrived_us": arrived})
    return _made(pa.Table.from_pylist(rows, EVENTS), len(entries), len(entries) - len(rows))


def slates(entries: Sequence[Entry]) -> Made:
    """Make a table with one row per item that was shown; place 0 is the first."""
    rows, unreadable = [], 0
    for entry in entries:
        try:
            shown = msgspec.structs.asdict(_slate.decode(entry.fields[b"slate"]))
        except KeyError, ValueError:
            unreadable += 1
            continue
        items = shown.pop("item_ids")
        rows += [{**shown, "place": place, "item_id": item} for place, item in enumerate(items)]
    return _made(pa.Table.from_pylist(rows, SLATES), len(entries), unreadable)


def features(entries: Sequence[Entry]) -> Made:
    """Make a table with one row per scored candidate, its features under their names.

    It ends before the first record of other columns than those before it. ``place`` is the item's
    in the slate, -1 where it was not shown; ``score`` is what it was ranked by.
    """
    found: list[ServedFeatures] = []
    taken = unreadable = 0
    for entry in entries:
        try:
            served = decode(entry.fields[RECORD.encode()])
        except KeyError, ValueError:
            unreadable += 1
        else:
            if found and served.head.columns != found[0].head.columns:
                break
            found.append(served)
        taken += 1
    return _made(_candidates(found), taken, unreadable)


def _candidates(found: Sequence[ServedFeatures]) -> pa.Table | None:
    if not found:
        return None
    columns = found[0].head.columns
    record = np.repeat(np.arange(len(found)), [len(served.scores) for served in found])
    table = {
        name: pa.array([getattr(served.head, name) for served in found], kind).take(record)
        for name, kind in HEAD.items()
    }
    table["item_id"] = pa.array([item for served in found for item in served.head.item_ids], WORD)
    table["place"] = pa.array(np.concatenate([_places(served) for served in found]))
    table["score"] = pa.array(np.concatenate([served.scores for served in found]))
    rows = np.concatenate([served.rows for served in found])
    for place, name in enumerate(columns):
        table[name] = pa.array(np.ascontiguousarray(rows[:, place]))
    return pa.table(table).replace_schema_metadata({COLUMNS: json.dumps(columns).encode()})


def _places(served: ServedFeatures) -> NDArray[np.int32]:
    places = np.full(len(served.scores), -1, np.int32)
    places[list(served.head.picks)] = np.arange(len(served.head.picks))
    return places


def _made(table: pa.Table | None, entries: int, unreadable: int) -> Made:
    return Made(table if table is not None and len(table) else None, entries, unreadable)
