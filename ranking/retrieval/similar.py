"""Item-to-item retrieval by vector: neighbours of each recent item, not of their mean.

A mean of tastes lies between them, where there may be nothing; each recent item's own neighbours
keep several interests apart (compare PinnerSage, KDD 2020).
"""

from typing import Final

import numpy as np

from features.types import Context, Items, Mask
from ranking.masks import looked_at
from ranking.retrieval.found import NOTHING, Found
from ranking.retrieval.vector import Spread, Work, alone
from ranking.scan.keys import Keys
from ranking.scan.search import Search
from ranking.snapshot import Snapshot
from ranking.topk import top_k

SEEDS: Final = 3
"""How many items have their neighbours looked up: each is a search of its own."""


def seeds(context: Context, snapshot: Snapshot) -> Items:
    """Return int64[s], s <= 3, with a vector: what is looked at now, else the last items."""
    now = looked_at(context)
    own = (now if len(now) else context.history)[:SEEDS]
    return own[snapshot.directions[own].any(axis=1)]


def retrieve(
    context: Context, snapshot: Snapshot, blocked: Mask, k: int, spread: Spread = alone
) -> Found:
    """Return up to k items with a positive inner product with a seed's direction, highest first.

    An item's score is the largest over the seeds. It is the inner product and not the cosine: on
    MovieLens that finds a fifth more of what is taken next, for long embeddings are the ones that
    much is known of. The searches may be spread over threads: the same bits, whoever does what.
    """
    around = seeds(context, snapshot)
    if not len(around):
        return NOTHING
    searches = [
        Search(snapshot.embeddings, snapshot.directions[seed], blocked, k, snapshot.sketch)
        for seed in around
    ]
    shares = spread(_one_after_the_other(searches), sum(search.blocks for search in searches))
    found = [
        search.best([keys for share in shares for keys in share[place]])
        for place, search in enumerate(searches)
    ]
    items, scores = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.lexsort((-scores, items))
    order = order[np.diff(items[order], prepend=-1) != 0]  # each item's best
    items, scores = items[order], scores[order]
    picks = top_k(scores, max(k, 0))
    picks = picks[scores[picks] > 0]
    return Found(items[picks], scores[picks])


def _one_after_the_other(searches: list[Search]) -> Work[list[list[Keys]]]:
    """Return the work of all searches, whose blocks follow on each other: keys by search."""

    def work(low: int, high: int) -> list[list[Keys]]:
        first, found = 0, []
        for search in searches:
            start, stop = max(low - first, 0), min(high - first, search.blocks)
            found.append([search.part(start, stop)] if start < stop else [])
            first += search.blocks
        return found

    return work
