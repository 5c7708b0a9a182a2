"""The exact scan: every vector's product with the query, and only the best k of them kept."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Mask
from ranking.lanes import LANES
from ranking.scan.instructions import four_products, prefetch, product
from ranking.scan.keys import FLOOR, Key, Keys, keep_best, select

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1
# keys.py: b12cdcc9abf8670530efd70e1abf40a45cbb55ac7ed7abdfc19628ea36a980dc
# instructions.py: 63bc68c8b8d3e49f182d2390e64c599e7136637de8f77b3128ab7ac030a69d54

_AHEAD = 16  # vectors
_LINE = 16  # float32 in a cache line


@kernel(
    inputs(types.float32, 2),
    inputs(types.float32),
    inputs(types.boolean),
    types.int64,
    types.int64,
    types.int64,
    output(types.int64),
    returns=types.int64,
)
def scan(
    vectors: NDArray[np.float32],
    query: NDArray[np.float32],
    blocked: Mask,
    low: int,
    high: int,
    k: int,
    keys: Keys,
) -> int:
    """Write the keys of up to k best of the vectors in blocks [low, high); return how many.

    ``vectors`` are float32[n, d], the query float32[d], a block 128 vectors; ``keys`` is `room`.
    """
    n, width = vectors.shape
    cells = vectors.reshape(n * width)
    scores = np.empty(LANES, np.float32)
    count = 0
    least: Key = FLOOR
    for block in range(low, high):
        start = block * LANES
        stop = min(start + LANES, n)
        fours = (stop - start) // 4 * 4
        for place in range(0, fours, 4):
            at = (start + place) * width
            for line in range(at + _AHEAD * width, at + (_AHEAD + 4) * width, _LINE):
                prefetch(cells, line)
            four_products(cells, at, query, width, scores, place)
        for place in range(fours, stop - start):
            scores[place] = product(cells, (start + place) * width, query, width)
        count, least = keep_best(scores, 0, start, n, 1, blocked, k, keys, count, least)
    if count > k:
        select(keys, count, k)
        count = k
    return count
