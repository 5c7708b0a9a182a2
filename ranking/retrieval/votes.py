"""Kernels that count the neighbours' votes, in a small table whatever the catalogue's size."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output
from features.types import Items, Mask, Scores

FREE = np.int32(-1)
_INDEX = (1 << 32) - 1  # the half of a key that holds ~item

type Floats = NDArray[np.float32]
type Neighbours = NDArray[np.int32]

ITEMS, FLOATS = inputs(types.int64), inputs(types.float32)
NEIGHBOURS, SCORES = inputs(types.int32, 2), inputs(types.float32, 2)


@inlined
def _tally(
    recent: Items, weights: Floats, neighbours: Neighbours, scores: Floats
) -> tuple[Neighbours, NDArray[np.float64]]:
    """Return who has votes int32[m], FREE where nobody stands, and how many float64[m].

    An item stands at its ordinal modulo m, or at the next free place. m is a power of two: above
    the number of items, so that everybody has a place of their own, or twice the votes cast.
    """
    most, size = min(2 * len(recent) * neighbours.shape[1], len(neighbours)), 1
    while size <= most:
        size *= 2
    voted, totals = np.full(size, FREE, np.int32), np.zeros(size, np.float64)
    for place in range(len(recent)):
        for column in range(neighbours.shape[1]):
            item = neighbours[recent[place], column]
            if item >= 0:  # else padding
                at = item & (size - 1)
                while voted[at] != item and voted[at] != FREE:
                    at = (at + 1) & (size - 1)
                voted[at] = item
                totals[at] += np.float64(scores[recent[place], column] * weights[place])
    return voted, totals


@kernel(
    ITEMS,
    FLOATS,
    NEIGHBOURS,
    SCORES,
    inputs(types.boolean),
    output(types.int64),
    returns=types.int64,
)
def elect(
    recent: Items,
    weights: Floats,
    neighbours: Neighbours,
    scores: Floats,
    blocked: Mask,
    keys: NDArray[np.int64],
) -> int:
    """Write a key for each item with votes that is not blocked; return how many those are.

    Keys order as the items do: more votes higher, equal ones the lower ordinal higher. ``keys``
    has room for as many as `recent` has neighbours.
    """
    voted, totals = _tally(recent, weights, neighbours, scores)
    count = 0
    for at in range(len(voted)):
        item = np.int64(voted[at])
        if item != FREE and totals[at] > 0.0 and not blocked[item]:
            # A float32 that is not negative orders as its bits do.
            bits = np.int64(np.float32(totals[at]).view(np.int32))
            keys[count] = (bits << 32) | (~item & _INDEX)
            count += 1
    return count


@kernel(inputs(types.int64), output(types.int64), output(types.float32))
def announce(keys: NDArray[np.int64], items: Items, votes: Scores) -> None:
    """Write the items and votes of the highest of ascending ``keys``, the highest first."""
    for place in range(len(items)):
        key = keys[len(keys) - 1 - place]
        items[place] = ~key & _INDEX
        votes[place] = np.int32(key >> 32).view(np.float32)


@kernel(ITEMS, FLOATS, NEIGHBOURS, SCORES, ITEMS, output(types.float32))
def poll(
    recent: Items,
    weights: Floats,
    neighbours: Neighbours,
    scores: Floats,
    items: Items,
    votes: Scores,
) -> None:
    """Write the votes for each of ``items``, 0 where there are none."""
    voted, totals = _tally(recent, weights, neighbours, scores)
    for place in range(len(items)):
        item = items[place]
        at = item & (len(voted) - 1)
        while voted[at] != item and voted[at] != FREE:
            at = (at + 1) & (len(voted) - 1)
        votes[place] = totals[at] if voted[at] == item else 0.0
