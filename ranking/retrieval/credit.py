"""Which source a pick is credited to: the one that placed it highest among what it offered."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.types import Scores
from ranking.kernels import inputs, kernel, output

type Picks = NDArray[np.int64]


@kernel(inputs(types.float32, 2), inputs(types.int64), output(types.int64))
def credit(scores: Scores, picks: Picks, sources: NDArray[np.int64]) -> None:
    """Write for each pick its source's column, the first of those that placed it alike.

    Args:
        scores: float32[n, s], NaN where a source did not offer the candidate.
        picks: int64[k], rows of scores.
        sources: int64[k], written; 0 where no source offered the pick.
    """
    n, columns = scores.shape
    best = np.full(len(picks), n, np.int64)
    sources[:] = 0
    column = np.empty(n, np.float32)  # in one piece, and counted in int32: 16 lanes at a time
    for source in range(columns):
        for row in range(n):
            column[row] = scores[row, source]
        for index in range(len(picks)):
            mine = column[picks[index]]
            if np.isnan(mine):
                continue
            ahead = np.int32(0)
            for row in range(n):
                ahead = np.int32(ahead + (column[row] > mine))  # NaN is ahead of nothing
            if ahead < best[index]:
                best[index], sources[index] = ahead, source
