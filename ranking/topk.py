"""The best k of n scores, in a total order."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.types import Scores
from ranking.kernels import inlined, inputs, kernel, output
from ranking.lanes import LANES, any_of, load, spread

# lanes.py: 83c1ad4931160d965ea42cb1633607f78bc6e816f93ae9e51c310bf8e67a5dfe

type Picks = NDArray[np.int64]
"""Indices of what was picked, best first: int64[k]."""

_ROOM = 4  # times k: more is sorted less often but looked through longer
_INDEX = (1 << 32) - 1  # the half of a key that holds ~index


def top_k(scores: Scores, k: int) -> Picks:
    """Pick the k best of float32[n] scores, best first: int64[min(k, n)].

    The order is total: NaN comes after everything else, equal scores in order of index.
    """
    k = min(k, len(scores))
    if k <= 0:
        return np.empty(0, np.int64)
    keys = np.empty(min(len(scores), _ROOM * k + LANES), np.int64)
    found = keys[: survivors(np.ascontiguousarray(scores, np.float32), k, keys)]
    found.sort()
    return ~found[: -k - 1 : -1] & _INDEX


@inlined
def _rank(bits: np.int32) -> np.int32:
    """Map a float32's bits to an integer of the same order: NaN lowest, both zeros alike."""
    magnitude = bits & np.int32(0x7FFFFFFF)
    if magnitude > np.int32(0x7F800000):
        return np.int32(-0x80000000)
    return magnitude if bits >= np.int32(0) else -magnitude


@inlined
def _select(keys: NDArray[np.int64], count: int, k: int) -> None:
    """Bring the k largest of the first ``count`` keys to the front (Hoare's quickselect)."""
    first, last = 0, count - 1
    while first < last:
        pivot = keys[(first + last) // 2]
        low, high = first, last
        while low <= high:
            while keys[low] > pivot:
                low += 1
            while keys[high] < pivot:
                high -= 1
            if low <= high:
                keys[low], keys[high] = keys[high], keys[low]
                low += 1
                high -= 1
        if k <= high:
            last = high
        elif k > low:
            first = low
        else:
            return


@kernel(inputs(types.float32), types.int64, output(types.int64), returns=types.int64)
def survivors(scores: Scores, k: int, keys: NDArray[np.int64]) -> int:
    """Write keys whose k largest are those of the k best scores; return how many were written.

    A key is the score's rank above 32 bits of ``~index``, so that no two are equal. ``keys`` has
    room for min(n, 4 * k + 128).
    """
    bits = scores.view(np.int32)
    count, bar, full = 0, np.float32(0), False
    for start in range(0, len(scores), LANES):
        stop = min(start + LANES, len(scores))
        if full and stop - start == LANES and not any_of(load(scores, start) > spread(bar)):
            continue
        for i in range(start, stop):
            if not full or scores[i] > bar:
                keys[count] = (np.int64(_rank(bits[i])) << 32) | (~i & _INDEX)
                count += 1
        if count > _ROOM * k:
            _select(keys, count, k)
            count, bar = k, scores[~keys[:k].min() & _INDEX]
            full = not np.isnan(bar)  # while NaN is among the best k, everything may still enter
    return count
