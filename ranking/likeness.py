"""Kernels that compare each candidate's vector with those of the recent items, 128 at a time.

A sum goes from the first dimension to the last, whatever stands beside it: a candidate's values
do not depend on its neighbours.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output
from features.types import Items
from ranking.lanes import LANES, choose, gather, load, multiply_add, spread, store

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1

type Floats = NDArray[np.float32]

VECTORS, FLOATS, ITEMS = inputs(types.float32, 2), inputs(types.float32), inputs(types.int64)


@inlined
def _lay_side_by_side(vectors: Floats, items: Items, start: int, block: Floats) -> None:
    """Write to block float32[d * 128] the vectors of items[start:][:128], dimension by dimension.

    What is past the end is the last item again. First one vector after the other, whose cache
    lines then serve all dimensions; indices without a sign spare the check for a negative one,
    and LLVM can copy by vectors.
    """
    width = np.uint64(vectors.shape[1])
    cells = vectors.reshape(vectors.size)
    rows = np.empty(width * LANES, np.float32)
    lanes = np.empty(LANES, np.int32)
    for lane in range(LANES):
        lanes[lane] = lane * vectors.shape[1]
        first = np.uint64(items[min(start + lane, len(items) - 1)]) * width
        to = np.uint64(lane) * width
        for f in range(width):
            rows[to + f] = cells[first + f]
    for f in range(vectors.shape[1]):
        store(block, f * LANES, gather(rows, f, load(lanes, 0)))


@kernel(VECTORS, ITEMS, ITEMS, FLOATS, output(types.int64))
def loudest(
    vectors: Floats, items: Items, recent_items: Items, weights: Floats, speakers: Items
) -> None:
    """Write for each item the recent one with the largest weighted product, -1 if none is > 0."""
    width = vectors.shape[1]
    block = np.empty(width * LANES, np.float32)
    places = np.empty(LANES, np.float32)
    for start in range(0, len(items), LANES):
        _lay_side_by_side(vectors, items, start, block)
        most, place = spread(np.float32(0.0)), spread(np.float32(-1.0))
        for h in range(len(recent_items)):
            product = spread(np.float32(0.0))
            for f in range(width):
                weight = spread(vectors[recent_items[h], f])
                product = multiply_add(load(block, f * LANES), weight, product)
            product = product * spread(weights[h])
            place = choose(product > most, spread(np.float32(h)), place)
            most = choose(product > most, product, most)
        store(places, 0, place)
        for lane in range(min(LANES, len(items) - start)):
            speaker = np.int64(places[lane])
            speakers[start + lane] = recent_items[speaker] if speaker >= 0 else -1


@kernel(VECTORS, ITEMS, ITEMS, FLOATS, output(types.float32, 2), types.int64)
def liken(
    directions: Floats,
    items: Items,
    recent_items: Items,
    mean: Floats,
    columns: Floats,
    first_column: int,
) -> None:
    """Write each item's cosine to the first of the recent, to the closest, its place, and a mean.

    The four go to the columns of float32[n, c] from ``first_column`` on; the last is the product
    with ``mean``, the mean of the directions of a whole history.
    """
    width = directions.shape[1]
    block = np.empty(width * LANES, np.float32)
    found = np.empty(4 * LANES, np.float32)
    for start in range(0, len(items), LANES):
        _lay_side_by_side(directions, items, start, block)
        best, place = spread(np.float32(-np.inf)), spread(np.float32(0.0))
        for h in range(len(recent_items)):
            cosine = spread(np.float32(0.0))
            for f in range(width):
                weight = spread(directions[recent_items[h], f])
                cosine = multiply_add(load(block, f * LANES), weight, cosine)
            if h == 0:
                store(found, 0, cosine)
            place = choose(cosine > best, spread(np.float32(h)), place)
            best = choose(cosine > best, cosine, best)
        product = spread(np.float32(0.0))
        for f in range(width):
            product = multiply_add(load(block, f * LANES), spread(mean[f]), product)
        store(found, LANES, best)
        store(found, 2 * LANES, place)
        store(found, 3 * LANES, product)
        for lane in range(min(LANES, len(items) - start)):
            for column in range(4):
                columns[start + lane, first_column + column] = found[column * LANES + lane]
