"""A linear scorer: the weighted sum of a row's features."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Rows, Scores
from ranking.lanes import LANES, gather, load, spread, store, to_doubles
from ranking.scorers.parameters import checked
from ranking.scorers.rows import check_rows

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1


class LinearScorer:
    """Score rows as ``rows @ weights + bias``, float32[n, f] -> float32[n].

    Sums in float64, column after column, and rounds once, so that a row's score is the same
    bits whatever rows stand beside it; a BLAS product promises no such thing.
    """

    rows_per_block = LANES

    def __init__(
        self, weights: NDArray[np.floating[Any]], bias: float, columns: Sequence[str]
    ) -> None:
        self.columns = tuple(columns)
        if np.shape(weights) != (len(self.columns),):
            shape = [*np.shape(weights)]
            raise ValueError(f"weights have shape {shape} for {len(self.columns)} columns")
        self.parameters = checked(np.concatenate(([bias], weights)), 1 + len(self.columns))

    @property
    def description(self) -> dict[str, Any]:
        """What an artifact says of it, beside its parameters: the bias and then the weights."""
        return {"kind": "linear"}

    def __call__(self, rows: Rows) -> Scores:
        """Score each row; raise ValueError if rows is not C-contiguous float32[n, f]."""
        check_rows(rows, self.columns)
        scores = np.empty(len(rows), np.float32)
        weigh(rows, self.parameters[1:], float(self.parameters[0]), scores)
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
