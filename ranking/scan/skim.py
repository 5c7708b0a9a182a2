"""The scan of a sketch: every vector's product with the query, roughly, and the best of them."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Mask
from ranking.lanes import LANES, load, spread, store
from ranking.scan.instructions import add_products, prefetch, words_to_floats
from ranking.scan.keys import Key, Keys, keep_best, select

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1
# keys.py: b12cdcc9abf8670530efd70e1abf40a45cbb55ac7ed7abdfc19628ea36a980dc
# instructions.py: 63bc68c8b8d3e49f182d2390e64c599e7136637de8f77b3128ab7ac030a69d54

_AHEAD = 2  # blocks: what the processor fetches by itself comes a little late
_LINE = 16  # int32 in a cache line


@kernel(
    inputs(types.int32),
    inputs(types.float32),
    inputs(types.int32),
    types.float32,
    inputs(types.boolean),
    types.int64,
    types.int64,
    types.int64,
    types.int64,
    types.int64,
    output(types.int64),
    returns=types.int64,
)
def skim(
    codes: NDArray[np.int32],
    factors: NDArray[np.float32],
    query: NDArray[np.int32],
    offset: np.float32,
    blocked: Mask,
    stride: int,
    low: int,
    high: int,
    k: int,
    least: Key,
    keys: Keys,
) -> int:
    """Write the keys of up to k best vectors of blocks [low, high); return how many.

    ``codes`` and ``factors`` are `Sketch.cells` as integers and as floats; ``query`` and
    ``offset`` come from `Sketch.ask`; ``blocked`` is bool[n]; only keys above ``least`` are
    written, and ``keys`` is `room`.
    """
    words = len(query) // 4
    size = (words + 1) * LANES
    scores = np.empty(LANES, np.float32)
    count = 0
    for block in range(low, high):
        base = block * size
        for line in range(base + _AHEAD * size, base + (_AHEAD + 1) * size, _LINE):
            prefetch(codes, line)
        total, mask = spread(np.int32(0)), np.int32(0x03030303)
        for place in range(4):
            total = total + total
            total = total + total
            for word in range(words):
                levels = load(codes, base + word * LANES) & spread(mask)
                total = add_products(total, levels, query[4 * word + place])
            mask = np.int32(mask << 2)
        score = (words_to_floats(total) + spread(offset)) * load(factors, base + words * LANES)
        store(scores, 0, score)
        count, least = keep_best(
            scores, 0, block * LANES, len(blocked), stride, blocked, k, keys, count, least
        )
    if count > k:
        select(keys, count, k)
        count = k
    return count
