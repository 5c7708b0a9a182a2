"""Score rows by a laid-out forest, 128 rows at a time: first their bins, then every tree."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output
from features.types import Rows, Scores
from ranking.lanes import (
    CACHE_LINE,
    LANES,
    choose,
    gather,
    load,
    magnitude,
    spread,
    spread_word,
    store,
    to_bytes,
    to_words,
    trailing_zeros,
)

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1


MOST_GROUPS = 32  # of eight leaves, so that a leaf's number is a byte


@inlined
def _bin_numbers(
    cells: NDArray[np.float32],
    base: int,
    rows: NDArray[np.int32],
    splits: NDArray[np.int32],
    missing: NDArray[np.float32],
    thresholds: NDArray[np.float32],
    planes: NDArray[np.uint8],
) -> None:
    """Count, for each plane of a numeric split, the thresholds below each row's value."""
    ground = 0
    for p in range(len(splits)):
        column, levels = splits[p]
        x = gather(cells, base + column, load(rows, 0))
        x = choose(magnitude(x) > spread(missing[p, 0]), x, spread(missing[p, 1]))
        half = np.int32(1 << (levels - 1))
        above = x > spread(thresholds[ground + half - 1])  # the same for all: no gather
        place = choose(above, spread(half), spread(np.int32(0)))
        for level in range(levels - 2, -1, -1):
            half = np.int32(1 << level)
            above = x > gather(thresholds, ground + half - 1, place)
            place = choose(above, place + spread(half), place)
        ground += 1 << levels
        plane = to_bytes(place, np.int32(0))
        store(planes, 2 * LANES * p, plane)
        store(planes, 2 * LANES * p + LANES, plane ^ spread(np.uint8(255)))


@inlined
def _bin_categories(
    cells: NDArray[np.float32],
    base: int,
    rows: NDArray[np.int32],
    choices: NDArray[np.int32],
    tables: NDArray[np.int32],
    planes: NDArray[np.uint8],
    at: int,
) -> None:
    """Look up, for each plane of a categorical split, whether each row goes right."""
    none = spread(np.float32(-1.0))
    ground = 0
    for w in range(len(choices)):
        column, beyond, count = choices[w]
        x = gather(cells, base + column, load(rows, 0))
        x = choose(x > none, x, none)  # NaN and negative numbers are no category
        x = choose(x > spread(np.float32(beyond)), spread(np.float32(beyond)), x)
        word = gather(tables, ground + 1, to_words(x))
        ground += beyond + 2
        for s in range(count):
            bit = spread(np.uint8(1 << (s & 7)))
            plane = to_bytes(word, np.int32(s & 24)) & bit
            store(planes, at, plane)
            store(planes, at + LANES, plane ^ bit)
            at += 2 * LANES


@inlined
def _ruled_out(
    planes: NDArray[np.uint8], tests: NDArray[np.uint32], test: int, stop: int
) -> NDArray[np.uint8]:
    """Return, as lanes of bytes, the leaves of a group that its tests rule out."""
    out: NDArray[np.uint8] = spread(np.uint8(0))
    while test < stop:
        right = load(planes, tests[test, 0]) > spread_word(tests[test, 1])
        out = out | choose(right, spread_word(tests[test, 2]), spread(np.uint8(0)))
        test += 1
    return out


@inlined
def _add_trees(
    planes: NDArray[np.uint8],
    tests: NDArray[np.uint32],
    stops: NDArray[np.uint32],
    groups: NDArray[np.uint32],
    values: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Add up, tree after tree in float64 as LightGBM does, the leaves where the rows end."""
    none, every = spread(np.uint8(0)), spread(np.uint8(255))
    total = spread(0.0)
    test = group = first = 0
    for tree in range(len(groups)):
        if groups[tree] <= MOST_GROUPS:
            leaf = none
            for above in range(groups[tree], 0, -1):  # groups from the last to the first
                left = _ruled_out(planes, tests, test, stops[group]) ^ every
                exit_leaf = trailing_zeros(left) + spread(np.uint8(8 * (above - 1)))
                leaf = choose(left > none, exit_leaf, leaf)
                test = stops[group]
                group += 1
            total = total + gather(values, first, leaf)
        else:  # the same, but for a leaf's number in four bytes
            wide = spread(np.int32(0))
            for above in range(groups[tree], 0, -1):
                left = _ruled_out(planes, tests, test, stops[group]) ^ every
                exit_leaf = to_words(trailing_zeros(left)) + spread(np.int32(8 * (above - 1)))
                wide = choose(left > none, exit_leaf, wide)
                test = stops[group]
                group += 1
            total = total + gather(values, first, wide)
        first += 8 * groups[tree]
    store(sums, 0, total)


@kernel(
    inputs(types.float32, 2),
    inputs(types.int32, 2),
    inputs(types.float32, 2),
    inputs(types.float32),
    inputs(types.int32, 2),
    inputs(types.int32),
    inputs(types.uint32, 2),
    inputs(types.uint32),
    inputs(types.uint32),
    inputs(types.float64),
    output(types.float32),
)
def score(
    rows: Rows,
    splits: NDArray[np.int32],
    missing: NDArray[np.float32],
    thresholds: NDArray[np.float32],
    choices: NDArray[np.int32],
    tables: NDArray[np.int32],
    tests: NDArray[np.uint32],
    stops: NDArray[np.uint32],
    groups: NDArray[np.uint32],
    values: NDArray[np.float64],
    scores: Scores,
) -> None:
    """Write the raw score of rows, float32[n, f], to float32[n]; between them a `Layout`."""
    n, width = rows.shape
    cells = rows.reshape(n * width)
    numeric = 2 * LANES * len(splits)
    planes = np.empty(numeric + 2 * LANES * choices[:, 2].sum() + CACHE_LINE, np.uint8)
    planes = planes[-planes.ctypes.data % CACHE_LINE :]  # a load across two lines costs double
    lanes = np.empty(LANES, np.int32)
    sums = np.empty(LANES, np.float64)
    for start in range(0, n, LANES):
        count = min(LANES, n - start)
        for lane in range(LANES):
            lanes[lane] = min(lane, count - 1) * width  # past the end: the last row again
        base = start * width
        _bin_numbers(cells, base, lanes, splits, missing, thresholds, planes)
        _bin_categories(cells, base, lanes, choices, tables, planes, numeric)
        _add_trees(planes, tests, stops, groups, values, sums)
        for lane in range(count):
            scores[start + lane] = sums[lane]
