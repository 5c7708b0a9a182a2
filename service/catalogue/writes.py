"""Rows of items and users that a client puts, made ready for Redis."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features import keys
from features.codec import HEADER_BYTES, encode_rows, fingerprints
from features.given import cells_of
from features.schema import Schema
from features.types import Rows
from ranking.snapshot import Snapshot
from service.catalogue.log import Put, RowWrite

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
    return _writes(names, ids, bases, [put.features or {} for put in told], schema)


def user_writes(users: Sequence[tuple[str, Mapping[str, Any]]], schema: Schema) -> list[RowWrite]:
    """Return what is to be written of users' ids and features."""
    ids = [user_id for user_id, _ in users]
    bases = np.tile(schema.default_row, (len(users), 1))
    return _writes([keys.user_row(one) for one in ids], ids, bases, [g for _, g in users], schema)


def _writes(
    names: Sequence[str],
    ids: Sequence[str],
    bases: Rows,
    given: Sequence[Mapping[str, Any]],
    schema: Schema,
) -> list[RowWrite]:
    encoded = encode_rows(bases, fingerprints(ids), schema)
    return [
        RowWrite(
            name,
            row,
            tuple(
                (HEADER_BYTES + FLOAT_BYTES * column, values.astype("<f4").tobytes())
                for column, values in cells_of(features, schema)
            ),
        )
        for name, row, features in zip(names, encoded, given, strict=True)
    ]
