"""Which items are consumed close to which: the co-occurrence source's table."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from training.constants import BACK, FADE, NEIGHBOURS, REACH, SHRINKAGE
from training.interactions import Interactions


def neighbours(
    interactions: Interactions, n_items: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return each item's closest items int32[n_items, k], best first, and float32 scores of them.

    Closeness of b to a: the sum over users of exp(-places apart / 15), times 0.3 where b came
    before a, divided by sqrt(count_a * count_b) + 10: a cosine over sequences, directed and shrunk
    (compare Deshpande, Karypis, TOIS 2004, eq. 3 and 4). Rows with fewer neighbours end in -1 with
    score 0. Decision 0019.
    """
    counts = np.bincount(interactions.items, minlength=n_items).astype(np.float64)
    together = _together(interactions, n_items).tocoo()
    left, right = together.coords
    scores = together.data / (np.sqrt(counts[left] * counts[right]) + SHRINKAGE)
    order = np.lexsort((right, -scores, left))
    left, right, scores = left[order], right[order], scores[order]
    place = np.arange(len(left)) - np.searchsorted(left, left)
    kept = place < NEIGHBOURS
    width = min(NEIGHBOURS, n_items)
    table = np.full((n_items, width), -1, dtype=np.int32)
    table_scores = np.zeros((n_items, width), dtype=np.float32)
    table[left[kept], place[kept]] = right[kept]
    table_scores[left[kept], place[kept]] = scores[kept]
    return table, table_scores


def _together(interactions: Interactions, n_items: int) -> csr_matrix:
    """Sum the weighted pairs, one distance in the sequence at a time to bound the memory."""
    users, items = interactions.users, interactions.items
    total = csr_matrix((n_items, n_items))
    for apart in range(1, min(REACH, len(items) - 1) + 1):
        same = users[apart:] == users[:-apart]
        pairs = (items[:-apart][same], items[apart:][same])  # the earlier item's row
        weights = np.full(len(pairs[0]), np.exp(-apart / FADE))
        total = total + csr_matrix((weights, pairs), (n_items, n_items))
    return total + BACK * total.T
