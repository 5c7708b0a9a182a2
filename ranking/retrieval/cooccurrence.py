"""Co-occurrence retrieval: what others consumed close to what the asker consumed.

Each recent item votes for its neighbours: item-based k-nearest-neighbours (Deshpande, Karypis,
TOIS 2004) with votes that fade with the item's place in the history.
"""

import numpy as np

from features.types import Context, Items, Mask, Scores
from ranking.retrieval.found import NOTHING, Found
from ranking.retrieval.recency import recent
from ranking.retrieval.votes import announce, elect, poll
from ranking.snapshot import Snapshot


def score(context: Context, snapshot: Snapshot, items: Items) -> Scores:
    """Return float32[n], the votes for each given item."""
    votes = np.empty(len(items), np.float32)
    poll(*recent(context), snapshot.neighbours, snapshot.neighbour_scores, items, votes)
    return votes


def retrieve(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Return up to k items with any votes, most votes first; none without a history."""
    recent_items, weights = recent(context)
    if not len(recent_items):
        return NOTHING
    keys = np.empty(len(recent_items) * snapshot.neighbours.shape[1], np.int64)
    neighbours, scores = snapshot.neighbours, snapshot.neighbour_scores
    keys = keys[: elect(recent_items, weights, neighbours, scores, blocked, keys)]
    keys.sort()
    k = min(max(k, 0), len(keys))
    found = Found(np.empty(k, np.int64), np.empty(k, np.float32))
    announce(keys, found.items, found.scores)
    return found
