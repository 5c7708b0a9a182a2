"""Popularity retrieval: what everybody consumes these days; a stranger's only source."""

import numpy as np

from features.types import Context, Items, Mask, Scores
from ranking.retrieval.found import Found
from ranking.snapshot import Snapshot


def score(context: Context, snapshot: Snapshot, items: Items) -> Scores:  # noqa: ARG001 - a source's signature
    """Return float32[n], each given item's time-decayed popularity."""
    return snapshot.popularity[items]


def retrieve(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Return the k most popular items that are not blocked."""
    # Only what the asker consumed is blocked, so the answer is in the first few.
    head = snapshot.popular[: k + int(np.count_nonzero(blocked))]
    items = head[~blocked[head]][:k]
    return Found(items, score(context, snapshot, items))
