"""Several sources' offers as one set of candidates, with who offered what."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Candidates, Context, Items, Scores
from ranking.retrieval.found import Found
from ranking.retrieval.recency import recent
from ranking.snapshot import Snapshot

FUSION_WEIGHTS: Final = (1.0, 1.0, 0.1)
"""Each source's say in `fuse`. Popularity knows nothing of the asker: it breaks near-ties."""


def merge(context: Context, snapshot: Snapshot, found: Sequence[Found]) -> Candidates:
    """Return the union of the offers, one per source in `SOURCES` order."""
    items = np.unique(np.concatenate([offer.items for offer in found]))
    scores = np.full((len(items), len(found)), np.nan, dtype=np.float32)
    for column, offer in enumerate(found):
        scores[np.searchsorted(items, offer.items), column] = offer.scores
    return Candidates(items, scores, because(context, snapshot, items))


def because(context: Context, snapshot: Snapshot, items: Items) -> NDArray[np.int64]:
    """Return int64[n]: the recent item that adds most to each item's vector score, or -1.

    The vector score is a weighted sum over the history, so each consumed item's share in it
    is an explanation, not a guess.
    """
    recent_items, weights = recent(context)
    if not len(recent_items) or not len(items):
        return np.full(len(items), -1, dtype=np.int64)
    shares = snapshot.embeddings[items] @ (snapshot.embeddings[recent_items] * weights[:, None]).T
    speaker = shares.argmax(axis=1)
    speaks = shares[np.arange(len(items)), speaker] > 0
    return np.where(speaks, recent_items[speaker], -1)


def fuse(candidates: Candidates) -> Scores:
    """Return float32[n]: the sources' rankings fused into one score, without any model.

    Reciprocal rank fusion with the paper's constant of 60 (Cormack, Clarke, Buettcher,
    SIGIR 2009), weighted. An item that a source did not offer gets nothing from it.
    """
    offered = ~np.isnan(candidates.scores)
    ranks = np.argsort(np.argsort(-candidates.scores, axis=0, kind="stable"), axis=0)
    votes = np.where(offered, FUSION_WEIGHTS / (61.0 + ranks), 0.0)
    total: Scores = votes.sum(axis=1).astype(np.float32)
    return total
