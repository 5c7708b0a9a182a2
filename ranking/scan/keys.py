"""Keys: a score and its index in one integer, so that picking the best k is comparing integers.

A key is the score's rank above 32 bits of ``~index``: no two are equal, and of equal scores the
lower index has the higher key. For kernels, which keep the best keys so far as they go along.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.kernels import inlined
from features.types import Mask, Scores
from ranking.lanes import LANES, load, spread
from ranking.scan.instructions import bits, float_of, lowest, word_of

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1
# instructions.py: 63bc68c8b8d3e49f182d2390e64c599e7136637de8f77b3128ab7ac030a69d54

type Key = int | np.int64
type Keys = NDArray[np.int64]
"""One key per pick, in any order unless said."""

INDEX: Final = (1 << 32) - 1
"""The half of a key that holds ~index."""

FLOOR: Final = (-0x7F800000 + 1 << 32) - 1
"""The highest key of minus infinity's."""

_ROOM = 4  # times k: more is sorted less often but looked through longer


def room(k: int) -> Keys:
    """Return an empty array with room for the keys of the best k while they are looked for."""
    return np.empty(_ROOM * k + LANES, np.int64)


def indices(keys: Keys) -> NDArray[np.int64]:
    """Return the indices that the keys hold."""
    return ~keys & INDEX


@inlined
def key_of(score: np.float32, index: int) -> Key:
    """Return the key of a score that is not NaN; both zeros rank alike."""
    word = word_of(score)
    magnitude = word & np.int32(0x7FFFFFFF)
    rank = magnitude if word >= np.int32(0) else -magnitude
    return (np.int64(rank) << 32) | (~index & INDEX)


@inlined
def bar_under(least: Key) -> np.float32:
    """Return the float32 that a score must exceed for its key to exceed ``least``."""
    rank = np.int32(least + 1 >> 32) - np.int32(1)
    bar: np.float32 = float_of(rank if rank >= np.int32(0) else -rank | np.int32(-0x80000000))
    return bar


@inlined
def select(keys: Keys, count: int, k: int) -> None:
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


@inlined
def keep_best(
    scores: Scores,
    at: int,
    first: int,
    last: int,
    stride: int,
    blocked: Mask,
    k: int,
    keys: Keys,
    count: int,
    least: Key,
) -> tuple[int, Key]:
    """Add the keys of those of 128 scores that may be among the best k and are not blocked.

    The scores stand from ``at`` on; they belong to the places from ``first`` on and below
    ``last``, and the index at a place is ``place * stride % last``. An empty ``blocked`` blocks
    nothing. Returns how many keys there are now, and the least that a better one must exceed:
    `FLOOR` at the start, so that neither minus infinity nor NaN gets in.
    """
    above = load(scores, at) > spread(bar_under(least))
    for half in (0, 64):
        hits = bits(above, half)
        while hits != np.uint64(0):
            lane = half + lowest(hits)
            hits &= hits - np.uint64(1)
            place = first + lane
            if place < last:
                index = place * stride % last if stride > 1 else place  # dividing is slow
                key = key_of(scores[at + lane], index)
                if key > least and not (len(blocked) and blocked[index]):
                    keys[count] = key
                    count += 1
    if count + LANES > len(keys):
        select(keys, count, k)
        return k, keys[:k].min()
    return count, least
