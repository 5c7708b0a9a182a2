"""What one retrieval source offers, and how a source takes the best of its scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.types import Items, Mask, Scores


@dataclass(frozen=True, slots=True)
class Found:
    """Offered items int64[m], best first, with the source's own scores float32[m]."""

    items: Items
    scores: Scores


NOTHING = Found(np.empty(0, np.int64), np.empty(0, np.float32))


def best(scores: NDArray[np.float32], blocked: Mask, k: int) -> Found:
    """Return the k best of scores float32[n_items]: no blocked item, no NaN, no -inf.

    Ties break by the lower ordinal, also at the k-th place.
    """
    open_scores = np.where(blocked, np.float32(-np.inf), scores)
    floor = np.float32(-np.inf)
    if 0 < k < len(open_scores):
        np.copyto(open_scores, floor, where=np.isnan(open_scores))
        floor = np.partition(open_scores, len(open_scores) - k)[len(open_scores) - k]
    above = np.flatnonzero(open_scores > floor)
    if floor > -np.inf:
        level = np.flatnonzero(open_scores == floor)[: k - len(above)]
        above = np.sort(np.concatenate((above, level)))
    order = np.argsort(-open_scores[above], kind="stable")[:k]
    items = above[order]
    return Found(items, open_scores[items])
