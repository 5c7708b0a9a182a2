"""Lay candidates out for a re-ranker: unit vectors in blocks of 128, relevance from 0 to 1."""

from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Scores
from ranking.lanes import (
    CACHE_LINE,
    LANES,
    choose,
    gather,
    load,
    spread,
    store,
    to_doubles,
    to_floats,
)

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1


class Blocks(NamedTuple):
    """n candidates padded to whole blocks of 128 lanes.

    ``units`` is float32[blocks * d * 128]: block by block, a feature of 128 vectors side by side;
    each vector has length 1, or 0 where it was zero or not finite, so that a product is a cosine.
    ``relevance`` is float32[blocks * 128], 0 for the least relevant and 1 for the most.
    ``may_pick`` is float32[blocks * 128]: 0, or minus infinity where nothing may be picked.
    """

    units: NDArray[np.float32]
    relevance: NDArray[np.float32]
    may_pick: NDArray[np.float32]


def lay_out(relevance: Scores, vectors: NDArray[np.float32]) -> Blocks:
    """Lay out relevance float32[n] and vectors float32[n, d]; NaN relevance cannot be picked.

    Raises ValueError if there is not one vector per candidate.
    """
    n = len(relevance)
    if vectors.ndim != 2 or len(vectors) != n:
        raise ValueError(f"vectors must be [{n}, d], not {list(vectors.shape)}")
    padded = -(-n // LANES) * LANES
    blocks = Blocks(
        _aligned(padded * vectors.shape[1]),
        np.empty(padded, np.float32),
        np.empty(padded, np.float32),
    )
    scale(np.ascontiguousarray(relevance, np.float32), blocks.relevance, blocks.may_pick)
    normalise(np.ascontiguousarray(vectors, np.float32), blocks.units)
    return blocks


def _aligned(size: int) -> NDArray[np.float32]:
    """Start on a cache line: a wide load across two of them costs double."""
    room = np.empty(size + CACHE_LINE // 4, np.float32)
    address: int = room.__array_interface__["data"][0]  # .ctypes.data is slower
    first = -address % CACHE_LINE // 4
    return room[first : first + size]


@kernel(inputs(types.float32), output(types.float32), output(types.float32))
def scale(relevance: Scores, scaled: Scores, may_pick: Scores) -> None:
    """Write relevance scaled to [0, 1]; infinite counts as the best or worst finite."""
    low, high = np.inf, -np.inf
    for score in relevance:
        if np.isfinite(score):
            low, high = min(low, np.float64(score)), max(high, np.float64(score))
    scaled[:], may_pick[:] = 0.0, -np.inf
    for i in range(len(relevance)):
        score = np.float64(relevance[i])
        if not np.isnan(score):
            may_pick[i] = 0.0
            if np.isinf(score):
                scaled[i] = 1.0 if score > 0.0 else 0.0
            else:
                scaled[i] = (score - low) / (high - low) if high > low else 0.5


@kernel(inputs(types.float32, 2), output(types.float32))
def normalise(vectors: NDArray[np.float32], units: NDArray[np.float32]) -> None:
    """Write the vectors scaled to length 1, block by block, feature by feature."""
    n, width = vectors.shape
    cells = vectors.reshape(n * width)
    lanes = np.empty(LANES, np.int32)
    factors = np.empty(LANES, np.float64)
    for start in range(0, n, LANES):
        for lane in range(LANES):
            lanes[lane] = min(lane, n - 1 - start) * width  # past the end: the last again
        total = spread(0.0)
        for f in range(width):
            values = gather(cells, start * width + f, load(lanes, 0))
            store(units, start * width + f * LANES, values)
            x = to_doubles(values)
            total = total + x * x
        store(factors, 0, total)
        for lane in range(LANES):
            squares = factors[lane]
            factors[lane] = 1.0 / np.sqrt(squares) if 0.0 < squares < np.inf else 0.0
        factor = load(factors, 0)
        for f in range(width):
            x = to_doubles(load(units, start * width + f * LANES))
            unit = choose(factor > spread(0.0), x * factor, spread(0.0))
            store(units, start * width + f * LANES, to_floats(unit))
