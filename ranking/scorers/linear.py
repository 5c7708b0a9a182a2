"""A linear scorer: the weighted sum of a row's features."""

from collections.abc import Sequence

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.types import Rows, Scores
from ranking.kernels import inputs, kernel, output
from ranking.lanes import LANES, gather, load, spread, store, to_doubles
from ranking.scorers.rows import check_rows

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1


class LinearScorer:
    """Score rows as ``rows @ weights + bias``, float32[n, f] -> float32[n].

    Sums in float64, column after column, and rounds once, so that a row's score is the same
    bits whatever rows stand beside it; a BLAS product promises no such thing.
    """

    rows_per_block = LANES

    def __init__(self, weights: NDArray[np.float32], bias: float, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._weights = np.array(weights, np.float32)
        self._bias = float(bias)
        if self._weights.shape != (len(self.columns),):
            shape = list(self._weights.shape)
            raise ValueError(f"weights have shape {shape} for {len(self.columns)} columns")
        if not (np.isfinite(self._weights).all() and np.isfinite(self._bias)):
            raise ValueError("weights and bias must be finite")

    def __call__(self, rows: Rows) -> Scores:
        """Score each row; raise ValueError if rows is not C-contiguous float32[n, f]."""
        check_rows(rows, self.columns)
        scores = np.empty(len(rows), np.float32)
        weigh(rows, self._weights, self._bias, scores)
        return scores


@kernel(inputs(types.float32, 2), inputs(types.float32), types.float64, output(types.float32))
def weigh(rows: Rows, weights: NDArray[np.float32], bias: float, scores: Scores) -> None:
    """Write rows @ weights + bias to scores, 128 rows at a time."""
    n, width = rows.shape
    cells = rows.reshape(n * width)
    lanes = np.empty(LANES, np.int32)
    sums = np.empty(LANES, np.float64)
    for start in range(0, n, LANES):
        count = min(LANES, n - start)
        for lane in range(LANES):
            lanes[lane] = min(lane, count - 1) * width  # past the end: the last row again
        total = spread(bias)
        for column in range(width):
            x = gather(cells, start * width + column, load(lanes, 0))
            total = total + to_doubles(x) * spread(np.float64(weights[column]))
        store(sums, 0, total)
        for lane in range(count):
            scores[start + lane] = sums[lane]
