"""Measures of a slate: how well it hits, and what it is beyond the hits."""

import numpy as np
from numpy.typing import NDArray

from features.types import Items


def ndcg(slate: Items, relevant: Items, k: int) -> float:
    """Return binary NDCG@k; the ideal has min(k, len(relevant)) hits (Jarvelin 2002)."""
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    hits = np.isin(slate[:k], relevant)
    ideal = discounts[: min(k, len(relevant))].sum()
    return float(discounts[: len(hits)][hits].sum() / ideal)


def recall(slate: Items, relevant: Items, k: int) -> float:
    """Return the share of the relevant items among the first k."""
    return float(np.isin(slate[:k], relevant).sum() / len(relevant))


def reciprocal_rank(slate: Items, relevant: Items) -> float:
    """Return 1 / place of the first hit, 0 where there is none."""
    hits = np.flatnonzero(np.isin(slate, relevant))
    return float(1.0 / (hits[0] + 1)) if len(hits) else 0.0


def self_information(consumers: NDArray[np.int64], n_users: int) -> NDArray[np.float64]:
    """Return each item's novelty in bits, float64[n_items]: -log2 of its share of the users.

    Zhou et al., PNAS 2010; one imagined consumer per item keeps an unknown one finite.
    """
    return -np.log2((consumers + 1) / (n_users + 1))


def intra_list_distance(directions: NDArray[np.float32]) -> float:
    """Return the mean of 1 - cosine over all pairs of float32[k, d] unit vectors.

    Smyth, McClave, ICCBR 2001; 0 for fewer than two items.
    """
    k = len(directions)
    if k < 2:
        return 0.0
    total = float(np.square(directions.sum(axis=0, dtype=np.float64)).sum())
    own = float(np.square(directions, dtype=np.float64).sum())
    return 1.0 - (total - own) / (k * (k - 1))
