"""Load a made-up artifact: python -m tests.service.resumed_load URL, until it ends or is killed."""

import sys

import numpy as np

from features.client import connect
from ranking.artifact import StoredRows
from service.load import load
from tests.ranking.snapshots import SCHEMAS

ITEMS, USERS, LENGTH = 2000, 1000, 3
NAME = "2026-11-23-1 of that day"


def world() -> StoredRows:
    """Return 2000 items, and 1000 users with three interactions each."""
    rng = np.random.default_rng(0)
    return StoredRows(
        item_ids=tuple(f"i{item}" for item in range(ITEMS)),
        item_rows=rng.random((ITEMS, 4), np.float32),
        user_ids=tuple(f"u{user}" for user in range(USERS)),
        user_rows=rng.random((USERS, 2), np.float32),
        history_items=rng.integers(0, ITEMS, USERS * LENGTH).astype(np.int32),
        history_times=np.arange(USERS * LENGTH, dtype=np.int64),
        history_offsets=np.arange(0, USERS * LENGTH + 1, LENGTH, dtype=np.int64),
        schemas=SCHEMAS,
    )


if __name__ == "__main__":
    with connect(sys.argv[1]) as client:
        load(client, world(), 100, lambda *_: None, NAME)
