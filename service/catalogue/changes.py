"""From the log's records to the arrays that a snapshot is extended by."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from features.given import Cell, FeatureRejected, cells_of, lay
from features.schema import Schema
from ranking.extend import Changes
from ranking.snapshot import Snapshot
from service.catalogue.log import Record


def changes_of(records: Sequence[Record], snapshot: Snapshot, schema: Schema) -> Changes:
    """Return what the records change in a snapshot, whose items have rows of ``schema``.

    A model that was made after an item was last put knows all that was said of it: of such an item
    only its retirement counts, if it is in the model's catalogue. A feature that the schema has
    not (any more), or not like this, is passed over.
    """
    made_us = made_at_us(snapshot.made_at)
    catalogue, learnt = snapshot.catalogue, len(snapshot.catalogue) - snapshot.upserted
    found = catalogue.ordinals([record.item_id for record in records])
    ordinal = {catalogue.ids[item]: item for item in found.tolist()}
    rows = np.tile(schema.default_row, (len(records), 1))
    properties = []
    for row, record in zip(rows, records, strict=True):
        item = ordinal.get(record.item_id)
        if item is not None:
            row[:] = snapshot.item_rows[item]
        news = item is None or item >= learnt or record.serial > made_us
        if news:
            lay(row, known_cells(record.features, schema))
        properties.append(record.properties if news else None)
    return Changes(
        tuple(record.item_id for record in records),
        tuple(properties),
        rows,
        np.array([record.retired for record in records], np.bool_),
    )


def known_cells(features: Mapping[str, Any], schema: Schema) -> Iterator[Cell]:
    """Yield the cells that the features are, without those that the schema has not."""
    for name, value in features.items():
        try:
            yield from cells_of({name: value}, schema)
        except FeatureRejected:
            continue


def made_at_us(made_at: str) -> int:
    """Return a time of ISO 8601 in microseconds since the epoch; 0 where it is none."""
    try:
        return int(datetime.fromisoformat(made_at).timestamp() * 1e6)
    except ValueError:
        return 0
