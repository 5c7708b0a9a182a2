"""Exact scores for a few of many vectors."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Items, Scores
from ranking.scan.instructions import prefetch, product

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1
# instructions.py: 63bc68c8b8d3e49f182d2390e64c599e7136637de8f77b3128ab7ac030a69d54

_LINE = 16  # float32 in a cache line
_AHEAD = 16  # vectors: they lie anywhere in memory, and it takes its time


@kernel(inputs(types.float32, 2), inputs(types.int64), inputs(types.float32), output(types.float32))
def rescore(
    vectors: NDArray[np.float32], items: Items, query: NDArray[np.float32], scores: Scores
) -> None:
    """Write the product of the query float32[d] with each of those items' vectors."""
    n, width = vectors.shape
    cells = vectors.reshape(n * width)
    for i in range(len(items)):
        ahead = items[min(i + _AHEAD, len(items) - 1)] * width
        for line in range(ahead, ahead + width, _LINE):
            prefetch(cells, line)
        scores[i] = product(cells, items[i] * width, query, width)
