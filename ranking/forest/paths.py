"""Lay a forest out for explanations: every way from a root to a leaf, column by column."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranking.forest.tree import Forest, Tree

MOST_STEPS: Final = 1 << 24
"""Of all ways together; 5000 trees of 255 leaves have about half as many."""

type Step = tuple[int, bool, float]
"""A node of the forest, whether the way goes left there, and which share of the rows did so."""


class Paths(NamedTuple):
    """A forest's ways to its leaves as flat arrays.

    A way is a run of elements, one per column that it asks about; an element is a run of steps, one
    per node that asks about the column. ``values`` float64[l] are the leaves', ``stops`` int64[l]
    where each way's elements end. ``columns`` int64[e] and ``shares`` float64[e] are the elements':
    what part of the training rows at its nodes went this way. ``step_stops`` int64[e] tell where
    each element's steps end, ``nodes`` int64[s] and ``left`` bool[s] are the steps'. ``base`` is
    the mean score of the training rows.
    """

    base: float
    values: NDArray[np.float64]
    stops: NDArray[np.int64]
    columns: NDArray[np.int64]
    shares: NDArray[np.float64]
    step_stops: NDArray[np.int64]
    nodes: NDArray[np.int64]
    left: NDArray[np.bool_]


def lay_paths(forest: Forest) -> Paths | None:
    """Lay a forest out; None where a tree does not tell how many rows ended in its leaves.

    None as well where its trees are so deep that explaining a score would take seconds.
    """
    if sum(int(depths(tree).sum()) for tree in forest.trees) > MOST_STEPS:
        return None
    base, first = 0.0, 0
    values, stops = list[float](), list[int]()
    columns, shares, step_stops = list[int](), list[float](), list[int]()
    nodes, left = list[int](), list[bool]()
    for tree in forest.trees:
        if tree.counts is None:
            return None
        base += float(tree.value @ tree.counts / tree.counts.sum())
        for leaf, way in _ways(tree, tree.counts):
            by_column: dict[int, list[Step]] = {}
            for step in way:
                by_column.setdefault(int(tree.feature[step[0]]), []).append(step)
            for column, steps in by_column.items():
                columns.append(column)
                shares.append(float(np.prod([share for _, _, share in steps])))
                nodes += [first + node for node, _, _ in steps]
                left += [to_left for _, to_left, _ in steps]
                step_stops.append(len(nodes))
            values.append(float(tree.value[leaf]))
            stops.append(len(columns))
        first += len(tree.feature)
    return Paths(
        base,
        np.array(values, np.float64),
        np.array(stops, np.int64),
        np.array(columns, np.int64),
        np.array(shares, np.float64),
        np.array(step_stops, np.int64),
        np.array(nodes, np.int64),
        np.array(left, np.bool_),
    )


def _ways(tree: Tree, leaf_counts: NDArray[np.int64]) -> Iterator[tuple[int, list[Step]]]:
    """Yield each leaf with the steps that lead to it; of a tree that is one leaf, nothing."""
    left, right, counts = tree.left.tolist(), tree.right.tolist(), leaf_counts.tolist()
    rows = [0] * len(left)
    for node in reversed(range(len(left))):  # children come after their parent
        rows[node] = sum(
            counts[~child] if child < 0 else rows[child] for child in (left[node], right[node])
        )
    open_ways: list[tuple[int, list[Step]]] = [(0, [])] if left else []
    while open_ways:
        node, way = open_ways.pop()
        for child, to_left in ((left[node], True), (right[node], False)):
            share = (counts[~child] if child < 0 else rows[child]) / rows[node]
            further = [*way, (node, to_left, share)]
            if child < 0:
                yield ~child, further
            else:
                open_ways.append((child, further))


def depths(tree: Tree) -> NDArray[np.int64]:
    """Return int64[m + 1], how many nodes stand above each leaf."""
    own, leaves = np.zeros(len(tree.left), np.int64), np.zeros(len(tree.value), np.int64)
    for node, children in enumerate(zip(tree.left.tolist(), tree.right.tolist(), strict=True)):
        for child in children:  # they come after their parent
            if child < 0:
                leaves[~child] = own[node] + 1
            else:
                own[child] = own[node] + 1
    return leaves
