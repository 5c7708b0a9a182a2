"""Co-occurrence retrieval: what others consumed close to what the asker consumed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Items, Mask, Scores
from ranking.retrieval.found import NOTHING, Found, best
from ranking.retrieval.recency import recent
from ranking.snapshot import Snapshot

DENSE_UP_TO: Final = 50_000
"""Up to this many items, one counter per item is quicker than sorting the votes."""


def votes(context: Context, snapshot: Snapshot) -> tuple[Items, NDArray[np.float64]]:
    """Return who has votes int64[m], ascending, and how many float64[m], all above 0.

    Each recent item votes for its neighbours: item-based k-nearest-neighbours (Deshpande,
    Karypis, TOIS 2004) with votes that fade with the item's place in the history.
    """
    recent_items, weights = recent(context)
    # Padding is item -1 with score 0: as a vote of nothing for item 0, it drops out below.
    items = np.maximum(snapshot.neighbours[recent_items].ravel(), 0)
    cast = (snapshot.neighbour_scores[recent_items] * weights[:, None]).ravel()
    if len(snapshot.catalogue) <= DENSE_UP_TO:
        per_item = np.bincount(items, cast)
        voted = np.flatnonzero(per_item)
        return voted, per_item[voted]
    voted, place = np.unique(items, return_inverse=True)
    total = np.bincount(place, cast)
    some = total > 0
    return voted[some].astype(np.int64), total[some]


def score(context: Context, snapshot: Snapshot, items: Items) -> Scores:
    """Return float32[n], the votes for each given item."""
    if not len(context.history):
        return np.zeros(len(items), np.float32)
    voted, total = votes(context, snapshot)
    place = np.searchsorted(voted, items)
    total = np.append(total, 0.0)
    hit = np.append(voted, -1)[place] == items
    return np.where(hit, total[place], 0.0).astype(np.float32)


def retrieve(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Return up to k items with any votes, most votes first; none without a history."""
    if not len(context.history):
        return NOTHING
    voted, total = votes(context, snapshot)
    found = best(total.astype(np.float32), blocked[voted], k)
    return Found(voted[found.items], found.scores)
