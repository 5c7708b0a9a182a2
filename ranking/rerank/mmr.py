"""Maximal marginal relevance: relevant, and unlike what has been picked already."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from features.types import Scores
from ranking.topk import Picks, top_k


def mmr(relevance: Scores, vectors: NDArray[np.float32], k: int, diversity: float) -> Picks:
    """Pick k of n items greedily by maximal marginal relevance: int64[min(k, n)], best first.

    ``relevance`` is float32[n], scaled here to [0, 1]; ``vectors`` is float32[n, d], compared by
    cosine (a zero or non-finite vector is like nothing). ``diversity`` is 1 - lambda: 0 is
    exactly `top_k`, 1 looks at likeness alone after the first pick. NaN relevance comes last,
    ties go to the lower index. Carbonell & Goldstein, SIGIR 1998.
    """
    order = top_k(relevance, len(relevance))
    if diversity <= 0.0 or k <= 1 or len(order) <= 1:
        return order[: max(k, 0)]
    finite = relevance[np.isfinite(relevance)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
    span = float(high) - float(low) or 1.0
    scaled = (np.clip(relevance, low, high) - low) / np.float32(span)
    norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    good = np.isfinite(norms) & (norms > 0)
    unit = np.where(good[:, None], vectors / np.where(good, norms, 1.0)[:, None], 0.0)
    picks = np.empty(min(k, int((~np.isnan(relevance)).sum())), np.int64)
    if len(picks):
        _pick(scaled, np.ascontiguousarray(unit.T, np.float32), diversity, int(order[0]), picks)
    return np.concatenate((picks, order[len(picks) : k])) if len(picks) < k else picks


@njit(nogil=True, cache=True)
def _pick(
    relevance: Scores, planes: NDArray[np.float32], diversity: float, first: int, picks: Picks
) -> None:
    n = len(relevance)
    nearest = np.full(n, -np.inf, np.float32)
    likeness = np.empty(n, np.float32)
    taken = np.isnan(relevance)
    pick = first
    for step in range(len(picks)):
        picks[step] = pick
        taken[pick] = True
        likeness[:] = 0
        for f in range(len(planes)):
            weight = planes[f, pick]
            for i in range(n):
                likeness[i] += planes[f, i] * weight
        best = -np.inf
        for i in range(n):
            nearest[i] = max(nearest[i], likeness[i])
            if not taken[i]:
                worth = (1.0 - diversity) * relevance[i] - diversity * nearest[i]
                if worth > best:
                    best, pick = worth, i
