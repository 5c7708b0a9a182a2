"""Co-occurrence retrieval: what others consumed close to what the asker consumed."""

import numpy as np

from features.types import Context, Items, Mask, Scores
from ranking.retrieval.found import NOTHING, Found, best
from ranking.retrieval.recency import recent
from ranking.snapshot import Snapshot


def votes(context: Context, snapshot: Snapshot) -> Scores:
    """Return float32[n_items]: each recent item votes for its neighbours, 0 where none does.

    Item-based k-nearest-neighbours (Deshpande, Karypis, TOIS 2004) with votes that fade with
    the item's place in the history.
    """
    items, weights = recent(context)
    neighbours = snapshot.neighbours[items].ravel()
    scores = (snapshot.neighbour_scores[items] * weights[:, None]).ravel()
    # Padding is -1 with score 0: clipping it to item 0 adds nothing to that item.
    total = np.bincount(np.maximum(neighbours, 0), scores, minlength=len(snapshot.catalogue))
    return total.astype(np.float32)


def score(context: Context, snapshot: Snapshot, items: Items) -> Scores:
    """Return float32[n], the votes for each given item."""
    return votes(context, snapshot)[items]


def retrieve(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Return up to k items with any votes, most votes first; none without a history."""
    if not len(context.history):
        return NOTHING
    total = votes(context, snapshot)
    return best(total, blocked | (total <= 0), k)
