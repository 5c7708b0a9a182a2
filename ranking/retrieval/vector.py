"""Vector retrieval: the items whose embeddings point where the recent history points."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Items, Mask, Scores
from ranking.retrieval.found import NOTHING, Found
from ranking.retrieval.recency import recent
from ranking.scan.rescore import rescore
from ranking.scan.search import Search
from ranking.snapshot import Snapshot

type Work[T] = Callable[[int, int], T]
"""Returns what it finds in blocks ``[low, high)``."""


class Spread(Protocol):
    """Has work done for ranges that together make up ``range(blocks)``."""

    def __call__[T](self, work: Work[T], blocks: int) -> list[T]:
        """Return what was found in each range, in their order."""


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
    scores = np.zeros(len(items), np.float32)
    if len(context.history):
        rescore(snapshot.embeddings, items, fold_in(context, snapshot), scores)
    return scores


def search(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Search:
    """Return the search for the k best items by inner product with the asker's vector."""
    vector = fold_in(context, snapshot)
    return Search(snapshot.embeddings, vector, blocked, k, snapshot.sketch)


def alone[T](work: Work[T], blocks: int) -> list[T]:
    """Have all of it done here."""
    return [work(0, blocks)]


def retrieve(
    context: Context, snapshot: Snapshot, blocked: Mask, k: int, spread: Spread = alone
) -> Found:
    """Return up to k items by inner product with the asker's vector; none without a history.

    The search may be spread over threads: the same bits, whoever does which blocks.
    """
    if not len(context.history):
        return NOTHING
    whole = search(context, snapshot, blocked, k)
    return Found(*whole.best(spread(whole.part, whole.blocks)))
