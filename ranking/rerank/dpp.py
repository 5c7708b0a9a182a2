"""Determinantal point process: the slate whose items span the largest volume."""

from typing import Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Scores
from ranking.lanes import CACHE_LINE, LANES, choose, load, spread, store, to_doubles
from ranking.rerank.blocks import lay_out
from ranking.topk import Picks, top_k

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1

_SMALLEST = np.float32(1e-6)  # of a squared distance: beneath it float32 holds only noise
STEEPEST: Final = 600.0  # keeps exp() of a relevance difference within float64


def dpp(relevance: Scores, vectors: NDArray[np.float32], k: int, diversity: float) -> Picks:
    """Pick k of n items greedily by determinantal point process: int64[min(k, n)], best first.

    Each pick gains most of (1 - diversity) * relevance + diversity * log(squared distance of its
    unit vector from the span of those picked): greedy MAP inference, Chen, Zhang & Zhou, NeurIPS
    2018, algorithm 1, with their trade-off theta = 1 - diversity. ``relevance`` is float32[n],
    scaled here to [0, 1]; ``vectors`` is float32[n, d] (a zero or non-finite vector is far from
    all others). ``diversity`` 0 is exactly `top_k`; from there to 0.0017 it counts as 0.0017.
    Items within the span count as barely outside it, so that relevance decides. NaN relevance
    comes last, ties go to the lower index. Raises ValueError for a diversity outside [0, 1] or
    vectors that do not match.
    """
    if not 0.0 <= diversity <= 1.0:
        raise ValueError(f"diversity must be within [0, 1], not {diversity}")
    n = len(relevance)
    k = min(max(k, 0), n)
    if diversity == 0.0 or k == 0:
        return top_k(relevance, k)
    blocks = lay_out(relevance, vectors)
    steepness = min((1.0 - diversity) / diversity, STEEPEST)
    quality = np.exp(steepness * (blocks.relevance.astype(np.float64) - 1.0))
    quality[blocks.may_pick < 0] = 0.0
    picks = np.empty(k, np.int64)
    count = pick_apart(blocks.units, quality, picks)
    if count < k:  # only NaN is left
        picks[count:] = np.flatnonzero(np.isnan(relevance))[: k - count]
    return picks


@kernel(inputs(types.float32), output(types.float64), output(types.int64), returns=types.int64)
def pick_apart(units: NDArray[np.float32], quality: NDArray[np.float64], picks: Picks) -> int:
    """Write picks, the largest quality * squared distance first; return how many there were.

    ``units`` are those of `Blocks`, quality is float64[blocks * 128], 0 for what may not be
    picked; it is used up. The coordinates of item i in the basis of the items picked, Chen's
    c_i, are kept like the units: block by block, step by step.
    """
    size = len(quality)
    width, steps = len(units) // size, len(picks)
    basis = np.empty(size * steps + CACHE_LINE // 4, np.float32)
    basis = basis[-basis.ctypes.data % CACHE_LINE // 4 :]
    distances = np.ones(size, np.float32)
    worths = np.empty(LANES, np.float64)
    places = np.empty(LANES, np.int32)
    least = spread(_SMALLEST)
    pick = np.argmax(quality)
    for step in range(steps):
        if quality[pick] == 0.0:
            return step
        picks[step] = pick
        quality[pick] = 0.0
        block, lane = pick // LANES * LANES, pick % LANES
        unit, coordinate = block * width + lane, block * steps + lane
        per_distance = spread(np.float32(1.0 / np.sqrt(max(distances[pick], _SMALLEST))))
        best, place = spread(0.0), spread(np.int32(0))
        for start in range(0, size, LANES):
            along = spread(np.float32(0.0))
            for f in range(0, width * LANES, LANES):
                along = along + load(units, start * width + f) * spread(units[unit + f])
            for m in range(0, step * LANES, LANES):
                along = along - load(basis, start * steps + m) * spread(basis[coordinate + m])
            along = along * per_distance
            store(basis, start * steps + step * LANES, along)
            distance = load(distances, start) - along * along
            store(distances, start, distance)
            worth = load(quality, start) * to_doubles(choose(distance > least, distance, least))
            place = choose(worth > best, spread(np.int32(start)), place)
            best = choose(worth > best, worth, best)
        store(worths, 0, best)
        store(places, 0, place)
        highest = 0.0
        for i in range(LANES):
            at = places[i] + i
            if worths[i] > highest or (worths[i] == highest > 0.0 and at < pick):
                highest, pick = worths[i], at
    return steps
