"""Slates as an Arrow table, one row per user: what a Parquet file holds, and Spark gets."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from service.precompute.recipe import Made

WORD: Final = pa.string()
WORDS: Final = pa.list_(WORD)

SCHEMA: Final = pa.schema(
    {
        "user_id": WORD,
        "item_ids": WORDS,
        "scores": pa.list_(pa.float64()),
        "sources": WORDS,
        "reasons": WORDS,
        "variant": WORD,
        "model_version": WORD,
        "seed": pa.int64(),
        "request_id": WORD,
    }
)
"""The lists are as long as the slate, best first; events name the request id of their item."""


def table_of(made: Sequence[Made]) -> pa.Table:
    """Lay slates out as `SCHEMA` says."""
    slates = [one.slate for one in made]
    columns = {
        "user_id": [one.user_id for one in made],
        "item_ids": [[item.item_id for item in slate.items] for slate in slates],
        "scores": [[item.score for item in slate.items] for slate in slates],
        "sources": [[item.source for item in slate.items] for slate in slates],
        "reasons": [[item.reason for item in slate.items] for slate in slates],
        "variant": [slate.variant for slate in slates],
        "model_version": [slate.model_version for slate in slates],
        "seed": [one.seed for one in made],
        "request_id": [slate.request_id for slate in slates],
    }
    return pa.table(columns, SCHEMA)
