"""Which source a pick is credited to: the one that placed it highest among what it offered."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Scores

type Picks = NDArray[np.int64]


@kernel(inputs(types.float32, 2), inputs(types.int64), output(types.int64))
def credit(columns: Scores, picks: Picks, sources: NDArray[np.int64]) -> None:
    """Write for each pick its source's place, the first of those that ranked it alike.

    Args:
        columns: float32[s, n], each source's scores; NaN where it did not offer the candidate.
        picks: int64[k], candidates.
        sources: int64[k], written; 0 where no source offered the pick.
    """
    best = np.full(len(picks), columns.shape[1], np.int64)
    sources[:] = 0
    for source in range(len(columns)):
        for index in range(len(picks)):
            mine = columns[source, picks[index]]
            if np.isnan(mine):
                continue
            ahead = np.int32(0)  # of 32 bits, and a loop by index: 16 at a time are counted
            for row in range(columns.shape[1]):
                ahead = np.int32(ahead + (columns[source, row] > mine))  # NaN is ahead of nothing
            if ahead < best[index]:
                best[index], sources[index] = ahead, source
