"""Name each node by the question it asks and the leaves that its answer rules out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ranking.forest.tree import CATEGORICAL, DEFAULT_LEFT, MISSING_NONE, ZERO, Tree


class Split(NamedTuple):
    """Where does a value stand among thresholds? Alike for all nodes that agree on these."""

    column: int
    missing: int
    default_left: bool


class Choice(NamedTuple):
    """Is a category outside this set? Then it goes right."""

    column: int
    categories: frozenset[int]


@dataclass(frozen=True, slots=True)
class Node:
    """A row that goes right here cannot end in leaves [first, stop).

    ``threshold``, a float32, belongs to a Split: greater values go right. In a ``mirrored``
    node right and left are exchanged.
    """

    question: Split | Choice
    threshold: float
    mirrored: bool
    first: int
    stop: int


def in_order(tree: Tree) -> tuple[list[Node], list[float]]:
    """List a tree's nodes and its leaves' values from left to right.

    Any node may be mirrored, and is where its right side has fewer leaves than its left: what
    an answer rules out is then always the smaller side.
    """
    size = tree.sizes()
    first = [0] * len(size)
    values: list[float] = tree.value.tolist()
    nodes = []
    for at, (question, threshold) in enumerate(_questions(tree)):
        children = int(tree.left[at]), int(tree.right[at])
        left, right = ((1 if child < 0 else size[child], child) for child in children)
        mirrored = right[0] < left[0]
        (smaller, near), (_, far) = (right, left) if mirrored else (left, right)
        stop = first[at] + smaller
        for child, leaf in ((near, first[at]), (far, stop)):
            if child < 0:
                values[leaf] = float(tree.value[~child])
            else:
                first[child] = leaf
        nodes.append(Node(question, threshold, mirrored, first[at], stop))
    return nodes, values


def _questions(tree: Tree) -> Iterator[tuple[Split | Choice, float]]:
    for column, decision, threshold in zip(
        tree.feature.tolist(), tree.decision.tolist(), tree.threshold.tolist(), strict=True
    ):
        if decision & CATEGORICAL:
            yield Choice(column, tree.categories[int(threshold)]), 0.0
        else:
            missing = decision >> 2
            to_left = bool(decision & DEFAULT_LEFT) and missing != MISSING_NONE
            yield Split(column, missing, to_left), _at_most(threshold)


def _at_most(threshold: float) -> float:
    """Return a float32 that splits float32 values as LightGBM does with this float64.

    That is the largest float32 <= threshold, except around zero: LightGBM reads values of at
    most `ZERO` in magnitude as 0, so a threshold among them is moved to their edge.
    """
    if 0.0 <= threshold < ZERO:
        return ZERO
    if -ZERO <= threshold < 0.0:
        return float(np.nextafter(np.float32(-ZERO), np.float32(-np.inf)))
    with np.errstate(over="ignore"):
        nearest = np.float32(threshold)
    if float(nearest) > threshold:
        nearest = np.nextafter(nearest, np.float32(-np.inf))
    return float(nearest)
