"""A linear scorer: the weighted sum of a row's features."""

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from features.types import Rows, Scores
from ranking.scorers.rows import check_rows


class LinearScorer:
    """Score rows as ``rows @ weights + bias``, float32[n, f] -> float32[n].

    Sums in float64, column after column, and rounds once, so that a row's score is the same
    bits whatever rows stand beside it; a BLAS product promises no such thing.
    """

    def __init__(self, weights: NDArray[np.float32], bias: float, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._weights = np.ascontiguousarray(weights, np.float32)
        self._bias = float(bias)
        if self._weights.shape != (len(self.columns),):
            raise ValueError(f"{self._weights.shape} weights for {len(self.columns)} columns")
        if not (np.isfinite(self._weights).all() and np.isfinite(self._bias)):
            raise ValueError("weights and bias must be finite")

    def __call__(self, rows: Rows) -> Scores:
        """Score each row; raise ValueError if rows is not C-contiguous float32[n, f]."""
        check_rows(rows, self.columns)
        scores = np.empty(len(rows), np.float32)
        _weigh(rows, self._weights, self._bias, scores)
        return scores


@njit("void(float32[:, ::1], float32[::1], float64, float32[::1])", nogil=True, cache=True)
def _weigh(rows: Rows, weights: NDArray[np.float32], bias: float, scores: Scores) -> None:
    for r in range(len(rows)):
        total = bias
        for f in range(len(weights)):
            total += np.float64(rows[r, f]) * weights[f]
        scores[r] = total
