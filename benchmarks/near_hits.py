"""How often a near cache that is smaller than the catalogue has a row."""

import numpy as np
from numpy.typing import NDArray

type Shares = NDArray[np.float64]
"""How often each item is asked for, float64[n], summing to 1."""


def zipf(items: int, exponent: float) -> Shares:
    """Return shares that fall with an item's rank to this power; 0 asks for all alike."""
    weights = np.arange(1, items + 1, dtype=np.float64) ** -exponent
    shares: Shares = weights / weights.sum()
    return shares


def hit_rate(shares: Shares, slots: float) -> float:
    """Return the share of reads that are hits, where a random row makes room for a new one.

    For independent reads, item i is there with probability q p_i / (1 + q p_i), and q is such that
    the expected number of rows fills the slots (E. Gelenbe, "A Unified Approach to the Evaluation
    of a Class of Replacement Algorithms", 1973, by the mean field of C. Fricker, P. Robert and
    J. Roberts, 2012).
    """
    if slots >= len(shares):
        return 1.0
    low, high = 0.0, 1.0
    while _there(shares, high).sum() < slots:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        if _there(shares, middle).sum() < slots:
            low = middle
        else:
            high = middle
    return float((shares * _there(shares, high)).sum())


def _there(shares: Shares, q: float) -> Shares:
    return q * shares / (1 + q * shares)
