"""How sure a mean over users is: the bootstrap, by user."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 2000
CONFIDENCE: Final = 0.95
_DRAWS: Final = 1 << 22  # held at once

type Values = NDArray[np.float64]


class Estimate(msgspec.Struct, frozen=True):
    """A mean over users and its 95 % interval."""

    mean: float
    low: float
    high: float


def estimate(values: Values, seed: int) -> Estimate:
    """Return the mean of float64[n], one value a user, with its interval."""
    return estimates(values[:, None], seed)[0]


def estimates(table: Values, seed: int) -> list[Estimate]:
    """Return what `estimate` does for each column of float64[n, m], of the same resamples."""
    low, high = np.percentile(resampled(table, seed), _PERCENTILES, axis=0)
    bounds = zip(table.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    return [Estimate(*triple) for triple in bounds]


def ratio(ours: Values, theirs: Values, seed: int) -> Estimate:
    """Return the ratio of two means, both float64[n] over the same users, with its interval.

    A resample draws users, so what both find easy or hard cancels out: a paired comparison.
    """
    means = resampled(np.stack((ours, theirs), axis=1), seed)
    floor = np.finfo(np.float64).tiny
    low, high = np.percentile(means[:, 0] / np.maximum(means[:, 1], floor), _PERCENTILES)
    return Estimate(float(ours.mean() / max(theirs.mean(), floor)), float(low), float(high))


def resampled(table: Values, seed: int) -> Values:
    """Return float64[2000, m], the columns' means over users drawn with replacement.

    The percentile bootstrap (Efron, Tibshirani 1993, ch. 13). The same seed and number of users
    draw the same users, whatever is averaged.
    """
    n = len(table)
    rng = np.random.default_rng(seed)
    means = np.empty((RESAMPLES, table.shape[1]))
    at_once = max(1, _DRAWS // n)
    for first in range(0, RESAMPLES, at_once):
        rows = min(at_once, RESAMPLES - first)
        drawn = rng.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
        means[first : first + rows] = counts @ table / n
    return means


_PERCENTILES: Final = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))
