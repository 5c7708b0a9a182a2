"""Trending retrieval: what many take at this moment, by counts that fade within hours."""

import numpy as np

from features.types import Context, Mask
from ranking.retrieval.found import NOTHING, Found
from ranking.retrieval.popularity import first_open
from ranking.snapshot import Snapshot


def retrieve(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:  # noqa: ARG001 - a source's signature
    """Return the k items that trend most and are not blocked; none where nothing is counted."""
    if context.live is None:
        return NOTHING
    items = np.empty(max(k, 0), np.int64)
    items = items[: first_open(context.live.trending, blocked, items)]
    return Found(items, context.live.trend[items])
