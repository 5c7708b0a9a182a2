"""Schemas that several tests use, and rows to go with them."""

import numpy as np

from features.schema import Schema
from features.types import Rows

ITEM = Schema.parse(
    {
        "name": "item",
        "version": 3,
        "features": [
            {"name": "year", "dtype": "int32", "default": 1990},
            {"name": "genre", "shape": [3], "labels": ["Action", "Comedy", "Drama"]},
            {"name": "vector", "shape": [2], "default": 0.5},
        ],
    }
)
USER = Schema.parse(
    {"name": "user", "version": 1, "features": [{"name": "age", "default": 30}, {"name": "active"}]}
)


def draw(schema: Schema, count: int, seed: int = 5) -> Rows:
    """Return finite rows, float32[count, width]."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, schema.width)).astype(np.float32)
