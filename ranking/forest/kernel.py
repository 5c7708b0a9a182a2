"""Score rows by walking every tree: the first, plain kernel."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ranking.forest.parse import Forest, Tree


def pack(forest: Forest) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint32]]:
    """Flatten a forest to (nodes int64[m, 6], thresholds float64[m], bits uint32[w])."""
    nodes: list[list[int]] = []
    values: list[float] = []
    words: list[int] = []
    for tree in forest.trees:
        _pack(tree, nodes, values, words)
    return (
        np.array(nodes, np.int64).reshape(-1, 6),
        np.array(values, np.float64),
        np.array(words or [0], np.uint32),
    )


def _pack(tree: Tree, nodes: list[list[int]], values: list[float], words: list[int]) -> None:
    base, inner = len(nodes), len(tree.feature)
    for i in range(inner):
        start = size = 0
        if tree.decision[i] & 1:
            category = tree.categories[int(tree.threshold[i])]
            start, size = len(words), max(category, default=-1) // 32 + 1
            packed = [0] * size
            for c in category:
                packed[c // 32] |= 1 << c % 32
            words += packed
        left, right = (
            base + c if c >= 0 else base + inner + ~c for c in (tree.left[i], tree.right[i])
        )
        nodes.append([int(tree.feature[i]), int(tree.decision[i]), left, right, start, size])
        values.append(float(tree.threshold[i]))
    for i, value in enumerate(tree.value):
        nodes.append([-1 if i < len(tree.value) - 1 else -2, 0, 0, 0, 0, 0])
        values.append(float(value))


@njit(nogil=True, cache=True)
def walk(
    rows: NDArray[np.float32],
    nodes: NDArray[np.int64],
    values: NDArray[np.float64],
    words: NDArray[np.uint32],
    out: NDArray[np.float32],
) -> None:
    """Write to out, float32[n], the sum over trees of the leaf that each row falls into."""
    for r in range(len(rows)):
        total = 0.0
        root = 0
        while root < len(nodes):
            at = root
            while nodes[at, 0] >= 0:
                x = rows[r, nodes[at, 0]]
                kind = nodes[at, 1]
                missing = kind >> 2
                if kind & 1:
                    goes_left = False
                    if -1.0 < x < 2147483648.0:
                        c = int(x)
                        if c >> 5 < nodes[at, 5]:
                            goes_left = (words[nodes[at, 4] + (c >> 5)] >> (c & 31)) & 1 == 1
                else:
                    if np.isnan(x) and missing != 2:
                        x = np.float32(0.0)
                    if (missing == 1 and abs(x) <= np.float32(1e-35)) or np.isnan(x):
                        goes_left = kind & 2 == 2
                    else:
                        goes_left = x <= values[at]
                at = nodes[at, 2] if goes_left else nodes[at, 3]
            total += values[at]
            while nodes[root, 0] != -2:
                root += 1
            root += 1
        out[r] = total
