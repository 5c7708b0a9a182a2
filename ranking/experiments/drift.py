"""How far one distribution of scores has moved from another."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

BINS: Final = 10
"""Deciles of what is expected, as the rules of thumb below are meant for."""

LEAST_SHARE: Final = 1e-4
"""A bin that one side leaves empty would be infinitely far."""


def stability_index(expected: ArrayLike, found: ArrayLike) -> float:
    """Return the population stability index of scores float[n] against scores float[m].

    The sum of (q - p) ln(q / p) over the deciles of ``expected``: Jeffreys' divergence. Below 0.1
    it is taken for no drift, from 0.25 on for much. What is not finite is left out; NaN where
    nothing is left of either.
    """
    before, after = (
        values[np.isfinite(values)] for values in (np.asarray(expected), np.asarray(found))
    )
    if not len(before) or not len(after):
        return float("nan")
    edges = np.unique(np.quantile(before, np.arange(1, BINS) / BINS))
    p, q = (
        np.maximum(
            np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1) / len(values),
            LEAST_SHARE,
        )
        for values in (before, after)
    )
    return float(np.sum((q - p) * np.log(q / p)))
