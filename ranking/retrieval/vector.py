"""Vector retrieval: the items whose embeddings point where the recent history points."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Items, Mask, Scores
from ranking.retrieval.found import NOTHING, Found, best
from ranking.retrieval.recency import recent
from ranking.snapshot import Snapshot

MOST_FROM_INDEX: Final = 2000
"""A mask that blocks more than this leaves the index little to offer: look at everything."""


def fold_in(context: Context, snapshot: Snapshot) -> NDArray[np.float32]:
    """Return the asker's vector float32[d], unit length: the weighted sum of recent embeddings.

    Made from the live history, so that an event moves it at once and a stranger's session has
    one too; the embeddings are learnt to be summed up like this (training/embeddings.py). All
    zeros without a history.
    """
    items, weights = recent(context)
    vector = weights @ snapshot.embeddings[items]
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector


def score(context: Context, snapshot: Snapshot, items: Items) -> Scores:
    """Return float32[n], the inner product of the asker's vector with each given item's."""
    if not len(context.history):
        return np.zeros(len(items), np.float32)
    return snapshot.embeddings[items] @ fold_in(context, snapshot)


def retrieve(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Return up to k items by inner product with the asker's vector; none without a history."""
    if not len(context.history):
        return NOTHING
    vector = fold_in(context, snapshot)
    wanted = k + int(np.count_nonzero(blocked))
    if snapshot.index is None or wanted > MOST_FROM_INDEX:
        return best(snapshot.embeddings @ vector, blocked, k)
    # More than k, since the blocked ones may well be the closest.
    near = np.sort(snapshot.index(vector, wanted))
    found = best(snapshot.embeddings[near] @ vector, blocked[near], k)
    return Found(near[found.items], found.scores)
