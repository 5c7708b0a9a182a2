"""Why an item is a candidate: the item of the history that speaks most for it."""

import numpy as np

from features.types import Context, Items
from ranking.likeness import loudest
from ranking.retrieval.recency import recent
from ranking.snapshot import Snapshot


def because(context: Context, snapshot: Snapshot, items: Items) -> Items:
    """Return int64[n]: the recent item that adds most to each item's vector score, or -1.

    The vector score is a weighted sum over the history, so each consumed item's share in it
    is an explanation, not a guess.
    """
    recent_items, weights = recent(context)
    if not len(recent_items):
        return np.full(len(items), -1, np.int64)
    speakers = np.empty(len(items), np.int64)
    loudest(snapshot.embeddings, items, recent_items, weights, speakers)
    return speakers
