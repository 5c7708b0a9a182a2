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


def serendipity(slate: Items, relevant: Items, expected: Items) -> float:
    """Return the share of a slate that is relevant and not what everybody would have been shown.

    ``expected`` is the slate of a primitive recommender: popularity's (Ge et al., RecSys 2010).
    """
    if not len(slate):
        return 0.0
    return float((np.isin(slate, relevant) & ~np.isin(slate, expected)).mean())


def gini(exposures: NDArray[np.int64]) -> float:
    """Return how unevenly int64[n_items] exposures are spread: 0 evenly, towards 1 on one item.

    Gini's coefficient, as Fleder and Hosanagar use it (Management Science 2009).
    """
    n, total = len(exposures), exposures.sum()
    if not total:
        return 0.0
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float((ranks * np.sort(exposures)).sum() / (n * total))


def miscalibration(taste: NDArray[np.float64], shown: NDArray[np.float64]) -> float:
    """Return the Kullback-Leibler divergence of what is shown from a taste, both float64[a].

    Steck, RecSys 2018, eq. 4 and 5 with alpha = 0.01; 0 where the slate mirrors the taste.
    Neither needs to sum to 1; 0 where one of them is all zero.
    """
    if not taste.any() or not shown.any():
        return 0.0
    p, q = taste / taste.sum(), shown / shown.sum()
    q, liked = 0.99 * q + 0.01 * p, p > 0
    return float((p[liked] * np.log(p[liked] / q[liked])).sum())
