"""The best k of n scores, in a total order."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Scores
from ranking.lanes import LANES
from ranking.scan.keys import FLOOR, Key, Keys, indices, keep_best, room
from ranking.scan.stride import even_stride

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1
# keys.py: b12cdcc9abf8670530efd70e1abf40a45cbb55ac7ed7abdfc19628ea36a980dc

type Picks = NDArray[np.int64]
"""Indices of what was picked, best first: int64[k]."""

_RUN = 32 * LANES  # scores read in a row


def top_k(scores: Scores, k: int) -> Picks:
    """Pick the k best of float32[n] scores, best first: int64[min(k, n)].

    The order is total: NaN comes after everything else, equal scores in order of index.
    """
    k = min(k, len(scores))
    if k <= 0:
        return np.empty(0, np.int64)
    scores = np.ascontiguousarray(scores, np.float32)
    stride = even_stride(-(-len(scores) // _RUN)) if len(scores) > _RUN else 1
    keys = room(k)
    found = keys[: survivors(scores, k, stride, keys)]
    found.sort()
    picks = indices(found[: -k - 1 : -1])
    if len(picks) == k:
        return picks
    low = np.flatnonzero(~(scores > -np.inf))
    low = low[np.argsort(np.isnan(scores[low]), kind="stable")]
    return np.concatenate((picks, low[: k - len(picks)]))


@kernel(inputs(types.float32), types.int64, types.int64, output(types.int64), returns=types.int64)
def survivors(scores: Scores, k: int, stride: int, keys: Keys) -> int:
    """Write keys whose k largest are those of the k best scores; return how many were written.

    Neither NaN nor minus infinity gets one. The runs of scores are visited in `even_stride`, for
    in ascending ones each score would be the best so far.
    """
    n = len(scores)
    runs = -(-n // _RUN)
    open_to_all = np.empty(0, np.bool_)
    padded = np.full(LANES, -np.inf, np.float32)
    count = 0
    least: Key = FLOOR
    for turn in range(runs):
        run = turn * stride % runs * _RUN
        for start in range(run, min(run + _RUN, n), LANES):
            if start + LANES <= n:
                block, at = scores, start
            else:
                padded[: n - start] = scores[start:]
                block, at = padded, 0
            count, least = keep_best(block, at, start, n, 1, open_to_all, k, keys, count, least)
    return count
