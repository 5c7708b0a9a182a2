"""Retrieval: several sources side by side, each a pure function, and their merger.

A source is ``retrieve(context, snapshot, blocked, k) -> Found``; beside it stands
``score(context, snapshot, items) -> float32[n]``, its opinion of any items.
"""

from typing import Final

import numpy as np

from features.types import Candidates, Context, Items
from ranking.masks import blocked
from ranking.retrieval import cooccurrence, popularity, vector
from ranking.retrieval.found import Found
from ranking.retrieval.merge import because, fuse, merge
from ranking.snapshot import Snapshot

SOURCES: Final = {
    "vector": vector.retrieve,
    "cooccurrence": cooccurrence.retrieve,
    "popularity": popularity.retrieve,
}
"""Each source by name; the order is that of the columns of `Candidates.scores`."""

OPINIONS: Final = {
    "vector": vector.score,
    "cooccurrence": cooccurrence.score,
    "popularity": popularity.score,
}

QUOTAS: Final = {"vector": 200, "cooccurrence": 200, "popularity": 100}
"""How many candidates each source may offer."""


def retrieve(context: Context, snapshot: Snapshot) -> Candidates:
    """Ask every source, one after the other, and merge what they offer."""
    mask = blocked(context, snapshot)
    offers = [source(context, snapshot, mask, QUOTAS[name]) for name, source in SOURCES.items()]
    return merge(context, snapshot, offers)


def appraise(context: Context, snapshot: Snapshot, items: Items) -> Candidates:
    """Return the caller's items as candidates, each with every source's opinion of it."""
    items = np.sort(items)
    items = items[np.diff(items, prepend=-1) > 0]  # several times faster than np.unique
    scores = [score(context, snapshot, items) for score in OPINIONS.values()]
    return Candidates(items, np.stack(scores, axis=1), because(context, snapshot, items))


__all__ = ["OPINIONS", "QUOTAS", "SOURCES", "Found", "appraise", "fuse", "merge", "retrieve"]
