"""Popularity retrieval: what everybody consumes these days; a stranger's only source."""

import numpy as np
from numba import types

from features.kernels import inputs, kernel, output
from features.types import Context, Items, Mask, Scores
from ranking.retrieval.found import Found
from ranking.snapshot import Snapshot


def score(context: Context, snapshot: Snapshot, items: Items) -> Scores:  # noqa: ARG001 - a source's signature
    """Return float32[n], each given item's time-decayed popularity."""
    return snapshot.popularity[items]


def retrieve(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Return the k most popular items that are not blocked."""
    items = np.empty(max(k, 0), np.int64)
    items = items[: first_open(snapshot.popular, blocked, items)]
    return Found(items, score(context, snapshot, items))


@kernel(inputs(types.int64), inputs(types.boolean), output(types.int64), returns=types.int64)
def first_open(ranked: Items, blocked: Mask, found: Items) -> int:
    """Write the first of ``ranked`` that are not blocked; return how many there were."""
    count = 0
    for item in ranked:
        if count == len(found):
            break
        if not blocked[item]:
            found[count] = item
            count += 1
    return count
