"""Maximal marginal relevance: relevant, and unlike what has been picked already."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Scores
from ranking.lanes import LANES, choose, load, spread, store
from ranking.rerank.blocks import lay_out
from ranking.rerank.ramp import strengths
from ranking.topk import Picks, top_k

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1


def mmr(
    relevance: Scores,
    vectors: NDArray[np.float32],
    k: int,
    diversity: float,
    ramp: int = 1,
    above: int = 0,
) -> Picks:
    """Pick k of n items greedily by maximal marginal relevance: int64[min(k, n)], best first.

    ``relevance`` is float32[n], scaled here to [0, 1]; ``vectors`` is float32[n, d], compared by
    cosine (a zero or non-finite vector is like nothing). ``diversity`` is 1 - lambda: 0 is
    exactly `top_k`, 1 asks only for unlikeness after the first, the most relevant. NaN relevance
    comes last, ties go to the lower index. Over the first ``ramp`` places, ``above`` of which are
    not among these k, the diversity grows (`strengths`). Raises ValueError for a diversity outside
    [0, 1] or vectors that do not match. Carbonell & Goldstein, SIGIR 1998.
    """
    if not 0.0 <= diversity <= 1.0:
        raise ValueError(f"diversity must be within [0, 1], not {diversity}")
    n = len(relevance)
    k = min(max(k, 0), n)
    if diversity == 0.0 or k <= 1:
        return top_k(relevance, k)
    relevance = np.ascontiguousarray(relevance, np.float32)
    blocks = lay_out(relevance, vectors)
    picks = np.empty(k, np.int64)
    count = pick_unlike(relevance, *blocks, strengths(diversity, ramp, above, k), picks)
    if count < k:  # only NaN is left
        picks[count:] = np.flatnonzero(np.isnan(relevance))[: k - count]
    return picks


@kernel(
    inputs(types.float32),
    inputs(types.float32),
    inputs(types.float32),
    output(types.float32),
    inputs(types.float64),
    output(types.int64),
    returns=types.int64,
)
def pick_unlike(
    scores: Scores,
    units: NDArray[np.float32],
    relevance: NDArray[np.float32],
    may_pick: NDArray[np.float32],
    diversity: NDArray[np.float64],
    picks: Picks,
) -> int:
    """Write picks, the highest score first; return how many there were to pick (see `Blocks`).

    ``scores`` float32[n] is the relevance before it was scaled, which may have made two equal.
    ``diversity`` is each place's.
    """
    size = len(relevance)
    width = len(units) // size
    nearest = np.full(size, -np.inf, np.float32)
    picked = np.empty(width, np.float32)
    worths = np.empty(LANES, np.float32)
    places = np.empty(LANES, np.int32)
    pick = -1
    for i in range(len(scores)):
        if may_pick[i] == 0.0 and (pick < 0 or scores[i] > scores[pick]):
            pick = i
    for step in range(len(picks)):
        if pick < 0:
            return step
        picks[step] = pick
        may_pick[pick] = -np.inf
        if step + 1 == len(picks):
            break
        following = diversity[step + 1]
        lambda_, penalty = spread(np.float32(1.0 - following)), spread(np.float32(following))
        for f in range(width):
            picked[f] = units[pick // LANES * LANES * width + f * LANES + pick % LANES]
        best, place = spread(np.float32(-np.inf)), spread(np.int32(0))
        for start in range(0, size, LANES):
            likeness = spread(np.float32(0.0))
            for f in range(width):
                unit = load(units, start * width + f * LANES)
                likeness = likeness + unit * spread(picked[f])
            near = load(nearest, start)
            near = choose(likeness > near, likeness, near)
            store(nearest, start, near)
            worth = lambda_ * load(relevance, start) - penalty * near + load(may_pick, start)
            place = choose(worth > best, spread(np.int32(start)), place)
            best = choose(worth > best, worth, best)
        store(worths, 0, best)
        store(places, 0, place)
        highest, pick = np.float32(-np.inf), -1
        for lane in range(LANES):
            at = places[lane] + lane
            if worths[lane] > highest or (worths[lane] == highest and at < pick):
                highest, pick = worths[lane], at
    return len(picks)
