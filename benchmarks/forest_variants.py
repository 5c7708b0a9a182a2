"""Time the forest kernels that lost: docs/decisions/0003-forest-kernel.md.

    python -m benchmarks.forest_variants

All of them score 1000 x 64 random rows by 200 trees x 63 leaves, and must agree.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.forest import CASES, draw, train
from benchmarks.timing import interleave
from features.types import Rows
from ranking.forest import Forest, parse
from ranking.forest.layout import Layout, lay_out
from ranking.lanes import LANES, choose, gather, load, spread, store
from ranking.scorers import ForestScorer

type Sums = NDArray[np.float64]


class Flat(NamedTuple):
    """Trees with adjacent children, breadth first; a leaf has feature -1 and is its own child."""

    feature: NDArray[np.int32]
    value: NDArray[np.float64]  # a threshold, or what a leaf is worth
    left: NDArray[np.int32]
    roots: NDArray[np.int32]
    depths: NDArray[np.int32]


def flatten(forest: Forest) -> Flat:
    """Put the two children of each node side by side."""
    feature: list[int] = []
    value: list[float] = []
    left: list[int] = []
    roots, depths = [], []
    for tree in forest.trees:
        roots.append(len(feature))
        queue = [(0, 0)]
        for node, depth in queue:  # it grows as we go
            if node < 0:
                feature.append(-1)
                value.append(float(tree.value[~node]))
                left.append(len(left))
            else:
                feature.append(int(tree.feature[node]))
                value.append(float(tree.threshold[node]))
                left.append(roots[-1] + len(queue))
                queue += [(int(side[node]), depth + 1) for side in (tree.left, tree.right)]
        depths.append(max(depth for _, depth in queue))
    return Flat(
        np.array(feature, np.int32),
        np.array(value),
        np.array(left, np.int32),
        np.array(roots, np.int32),
        np.array(depths, np.int32),
    )


@njit(nogil=True)
def walk_blocks(rows: Rows, flat: Flat, block: int, sums: Sums) -> None:
    """Send a block of rows through a tree, one after the other, then through the next."""
    sums[:] = 0.0
    for start in range(0, len(rows), block):
        for root in flat.roots:
            for r in range(start, min(start + block, len(rows))):
                at = root
                while flat.feature[at] >= 0:
                    at = flat.left[at] + (rows[r, flat.feature[at]] > flat.value[at])
                sums[r] += flat.value[at]


@njit(nogil=True)
def walk_lanes(rows: Rows, flat: Flat, limits: NDArray[np.float32], sums: Sums) -> None:
    """Move 128 rows one level down at a time, each tree as deep as its deepest leaf."""
    n, width = rows.shape
    cells = rows.reshape(n * width)
    lanes = np.empty(LANES, np.int32)
    part = np.empty(LANES)
    feature = np.maximum(flat.feature, np.int32(0))
    for start in range(0, n, LANES):
        for lane in range(LANES):
            lanes[lane] = min(lane, n - 1 - start) * width
        total = spread(0.0)
        for tree in range(len(flat.roots)):
            at = spread(flat.roots[tree])
            for _ in range(flat.depths[tree]):
                x = gather(cells, start * width, load(lanes, 0) + gather(feature, 0, at))
                right = x > gather(limits, 0, at)
                step = choose(right, spread(np.int32(1)), spread(np.int32(0)))
                at = gather(flat.left, 0, at) + step
            total = total + gather(flat.value, 0, at)
        store(part, 0, total)
        count = min(LANES, n - start)
        sums[start : start + count] = part[:count]


@njit(nogil=True)
def compare_plainly(planes: NDArray[np.uint8], layout: Layout, sums: Sums) -> None:
    """Do what the kernel does to the trees in plain loops; planes are [block, plane, row]."""
    out, leaf = np.empty(LANES, np.uint8), np.empty(LANES, np.uint8)
    sums[:] = 0.0
    for block in range(len(planes)):
        test = group = first = 0
        for tree in range(len(layout.groups)):
            leaf[:] = 0
            for above in range(layout.groups[tree], 0, -1):
                out[:] = 0
                while test < layout.stops[group]:
                    plane = planes[block, layout.tests[test, 0] // LANES]
                    limit = np.uint8(layout.tests[test, 1] & 255)
                    ruled_out = np.uint8(layout.tests[test, 2] & 255)
                    for r in range(LANES):
                        out[r] |= ruled_out if plane[r] > limit else np.uint8(0)
                    test += 1
                group += 1
                for r in range(LANES):
                    left, zeros = ~out[r], np.uint8(0)
                    if left & 15 == 0:
                        zeros, left = np.uint8(4), left >> 4
                    if left & 3 == 0:
                        zeros, left = np.uint8(zeros + 2), left >> 2
                    if left & 1 == 0:
                        zeros += np.uint8(1)
                    if out[r] != 255:
                        leaf[r] = zeros + 8 * (above - 1)
            for r in range(LANES):
                sums[block * LANES + r] += layout.values[first + leaf[r]]
            first += 8 * layout.groups[tree]


def bin_rows(rows: Rows, layout: Layout) -> NDArray[np.uint8]:
    """Make the planes with numpy, for rows without missing values."""
    blocks = -(-len(rows) // LANES)
    padded = np.concatenate((rows, np.zeros((blocks * LANES - len(rows), rows.shape[1]))))
    planes = np.empty((blocks, 2 * len(layout.splits), LANES), np.uint8)
    ground = 0
    for p, (column, levels) in enumerate(layout.splits):
        limits = layout.thresholds[ground : ground + (1 << levels)]
        bins = np.searchsorted(limits, padded[:, column].astype(np.float32), side="left")
        planes[:, 2 * p] = bins.reshape(blocks, LANES)
        planes[:, 2 * p + 1] = 255 - planes[:, 2 * p]
        ground += 1 << int(levels)
    return planes


def main() -> None:
    """Check that the kernels agree, then time them."""
    text = train(CASES[0])
    rows = draw(CASES[0], 1000, seed=9)
    forest, scorer = parse(text), ForestScorer.load(text)
    flat, layout = flatten(forest), lay_out(forest)
    limits = np.where(flat.feature < 0, np.inf, flat.value)
    rounded = limits.astype(np.float32)
    rounded = np.where(rounded > limits, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    planes = bin_rows(rows, layout)
    sums = np.empty(planes.shape[0] * LANES)
    contestants: dict[str, Callable[[], object]] = {
        f"blocks of {block}": partial(walk_blocks, rows, flat, block, sums)
        for block in (1, 8, 64, 1000)
    }
    contestants |= {
        "fixed depth, lanes of gathers": lambda: walk_lanes(rows, flat, rounded, sums),
        "byte tests, plain loops, no bins": lambda: compare_plainly(planes, layout, sums),
        "braid": lambda: scorer(rows),
    }
    exact = scorer(rows)
    for name, call in contestants.items():
        call()
        assert name == "braid" or np.allclose(sums[:1000], exact, atol=1e-5), name
    print(f"{len(layout.tests)} tests for {sum(len(tree.feature) for tree in forest.trees)} nodes")
    for name, figure in interleave(contestants, repetitions=5).items():
        print(f"{name:34} best {figure.best_us:9.1f} us   p50 {figure.p50_us:9.1f}")


if __name__ == "__main__":
    main()
