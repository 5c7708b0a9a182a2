"""New items first: those that nobody could have found yet, so that they get a chance."""

from typing import Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output
from features.types import Context, Items, Mask
from ranking.retrieval.found import Found, in_order
from ranking.snapshot import Snapshot

EXPLORE: Final = 0.5
"""The share of the places that are drawn by lot."""
AMONG: Final = 512
"""So many of the newest items take part in the draw."""

type Lots = NDArray[np.int64]

_PLACE_BITS = np.uint64(20)
_PLACE = (1 << 20) - 1


def retrieve(
    context: Context, snapshot: Snapshot, blocked: Mask, k: int, explore: float = EXPLORE
) -> Found:
    """Return k items that are not blocked: the newest, latest first, and some drawn from the new.

    ``explore`` is the share of places, spread evenly, that go to items drawn from the newest 512,
    each with the same chance; the request's seed decides. Without any draw the same few would
    stand there for everybody until newer ones come.
    """
    size, newest = len(snapshot.catalogue), snapshot.newest
    fresh = np.empty(min(max(k, AMONG), snapshot.upserted + len(newest)), np.int64)
    fresh = fresh[: gather_new(size, size - snapshot.upserted, newest, blocked, fresh)]
    lots = np.empty(min(len(fresh), AMONG), np.int64)
    draw(fresh, np.uint64(context.seed & 0xFFFFFFFFFFFFFFFF), lots)
    lots.sort()
    found = np.empty(min(max(k, 0), len(fresh)), np.int64)
    deal(fresh, lots, explore, found)
    return in_order(found)


@kernel(
    types.int64,
    types.int64,
    inputs(types.int64),
    inputs(types.boolean),
    output(types.int64),
    returns=types.int64,
)
def gather_new(size: int, learnt: int, newest: Items, blocked: Mask, fresh: Items) -> int:
    """Write the newest items that are not blocked, latest first; return how many there were.

    Items from the ordinal ``learnt`` on came after the model, the last one last.
    """
    count = 0
    for item in range(size - 1, learnt - 1, -1):
        if count == len(fresh):
            return count
        if not blocked[item]:
            fresh[count] = item
            count += 1
    for item in newest:
        if count == len(fresh):
            break
        if not blocked[item]:
            fresh[count] = item
            count += 1
    return count


@inlined
def _lot(seed: np.uint64, item: int) -> np.uint64:
    """Return 64 bits that look random (SplitMix64: Steele, Lea, Flood, OOPSLA 2014)."""
    bits = seed + np.uint64(item + 1) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@kernel(inputs(types.int64), types.uint64, output(types.int64))
def draw(fresh: Items, seed: np.uint64, lots: Lots) -> None:
    """Write each of the first items' lot, with its place among them in the lowest 20 bits."""
    mixed = _lot(seed, 0)
    for place in range(len(lots)):
        lot = _lot(mixed, fresh[place])
        lots[place] = np.int64((lot >> (_PLACE_BITS + np.uint64(1))) << _PLACE_BITS) | place


@kernel(inputs(types.int64), inputs(types.int64), types.float64, output(types.int64))
def deal(fresh: Items, lots: Lots, explore: float, found: Items) -> None:
    """Write items in turn from ``fresh`` and, where ``explore`` says so, by ascending lots."""
    taken = np.zeros(len(fresh), np.bool_)
    new, drawn = 0, 0
    for place in range(len(found)):
        while drawn < len(lots) and taken[lots[drawn] & _PLACE]:
            drawn += 1
        while taken[new]:
            new += 1
        by_lot = np.floor((place + 1) * explore) > np.floor(place * explore)
        at = lots[drawn] & _PLACE if by_lot and drawn < len(lots) else new
        taken[at] = True
        found[place] = fresh[at]
