"""Writing many rows and histories at once: what `braid load` does."""

from collections.abc import Callable, Iterable, Sequence
from itertools import batched

import numpy as np

from features import keys
from features.client import Client
from features.codec import encode_rows, fingerprints
from features.schema import Schema
from features.types import Rows

ROWS_PER_ROUND_TRIP = 500

type Advance = Callable[[int], None]
"""Told how many more entries are written, for a progress bar."""


def write_items(
    client: Client, ids: Sequence[str], rows: Rows, schema: Schema, advance: Advance
) -> None:
    """Write item rows, float32[n, width] in the order of ``ids``.

    Raises:
        ValueError: shapes disagree, or a value is not finite.
        redis.RedisError: the store refused or is gone; what was written stays.
    """
    _write_rows(client, keys.item_row, ids, rows, schema, advance)


def write_users(
    client: Client, ids: Sequence[str], rows: Rows, schema: Schema, advance: Advance
) -> None:
    """Write user rows, float32[n, width] by ``ids``; raises what `write_items` does."""
    _write_rows(client, keys.user_row, ids, rows, schema, advance)


def write_histories(
    client: Client,
    histories: Iterable[tuple[str, Sequence[str]]],
    cap: int,
    advance: Advance,
) -> None:
    """Write the histories of users who have none yet: pairs of a user id and entries, latest first.

    A history that exists has seen events since the artifact was made, and is left alone. One
    that an event begins between the look and the write gets the entries behind that event.
    """
    for group in batched(histories, ROWS_PER_ROUND_TRIP, strict=False):
        with client.pipeline(transaction=False) as pipeline:
            for user_id, _ in group:
                pipeline.exists(keys.user_history(user_id))
            taken = pipeline.execute()
            for (user_id, entries), exists in zip(group, taken, strict=True):
                if entries and not exists:
                    pipeline.rpush(keys.user_history(user_id), *entries[:cap])
            pipeline.execute()
        advance(len(group))


def _write_rows(
    client: Client,
    name: Callable[[str], str],
    ids: Sequence[str],
    rows: Rows,
    schema: Schema,
    advance: Advance,
) -> None:
    encoded = encode_rows(rows, fingerprints(ids), schema)
    parts = np.fromiter(map(keys.partition, ids), np.uint8, len(ids))
    for part in np.unique(parts).tolist():
        # A partition lives in one slot of a cluster, and an MSET must not leave its slot.
        for group in batched(
            np.flatnonzero(parts == part).tolist(), ROWS_PER_ROUND_TRIP, strict=False
        ):
            client.mset({name(ids[place]): encoded[place] for place in group})
            advance(len(group))
