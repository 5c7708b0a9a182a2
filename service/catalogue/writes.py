"""Rows of items and users that a client puts, made ready for Redis."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from features import keys
from features.codec import HEADER_BYTES, encode_rows, fingerprints
from features.given import Cell, cells_of
from features.schema import Schema
from features.types import Rows
from ranking.artifact import StoredRows
from ranking.snapshot import Snapshot
from service.catalogue.changes import known_cells, made_at_us
from service.catalogue.log import Put, Record, RowWrite

FLOAT_BYTES = 4


def item_writes(puts: Sequence[Put], snapshot: Snapshot, schema: Schema) -> list[RowWrite]:
    """Return what is to be written: nothing for a known item of which no feature is given."""
    ordinal = {item: snapshot.catalogue.ordinal(item) for item in (put.item_id for put in puts)}
    told = [put for put in puts if put.features or ordinal[put.item_id] is None]
    bases = np.tile(schema.default_row, (len(told), 1))
    for base, put in zip(bases, told, strict=True):
        item = ordinal[put.item_id]
        if item is not None:
            base[:] = snapshot.item_rows[item]
    names = [keys.item_row(put.item_id) for put in told]
    ids = [put.item_id for put in told]
    given = [cells_of(put.features or {}, schema) for put in told]
    return _writes(names, ids, bases, given, schema)


def user_writes(users: Sequence[tuple[str, Mapping[str, Any]]], schema: Schema) -> list[RowWrite]:
    """Return what is to be written of users' ids and features."""
    ids = [user_id for user_id, _ in users]
    bases = np.tile(schema.default_row, (len(users), 1))
    given = [cells_of(features, schema) for _, features in users]
    return _writes([keys.user_row(one) for one in ids], ids, bases, given, schema)


def rows_again(records: Sequence[Record], stored: StoredRows) -> list[RowWrite]:
    """Return the rows that an artifact's are no word on, once these are in the store.

    They belong to items that were put after it was made, and to those that it has not, whose rows
    may be of an older schema.
    """
    schema, made_us = Schema.parse(stored.schemas["item"]), made_at_us(stored.made_at)
    place = {item_id: place for place, item_id in enumerate(stored.item_ids)}
    told = [one for one in records if one.serial > made_us or one.item_id not in place]
    bases = np.tile(schema.default_row, (len(told), 1))
    for base, record in zip(bases, told, strict=True):
        if record.item_id in place:
            base[:] = stored.item_rows[place[record.item_id]]
    ids = [record.item_id for record in told]
    given = [known_cells(record.features, schema) for record in told]
    return _writes([keys.item_row(one) for one in ids], ids, bases, given, schema)


def _writes(
    names: Sequence[str],
    ids: Sequence[str],
    bases: Rows,
    given: Sequence[Iterable[Cell]],
    schema: Schema,
) -> list[RowWrite]:
    encoded = encode_rows(bases, fingerprints(ids), schema)
    return [
        RowWrite(
            name,
            row,
            tuple(
                (HEADER_BYTES + FLOAT_BYTES * column, values.astype("<f4").tobytes())
                for column, values in cells
            ),
        )
        for name, row, cells in zip(names, encoded, given, strict=True)
    ]
