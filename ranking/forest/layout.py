"""Lay a forest out for the kernel: groups of eight leaves, and the tests that rule them out.

QuickScorer (Lucchese et al., SIGIR 2015): a row that goes right at a node cannot end in any leaf
to the left of it, and its exit leaf is the first that no node rules out. Eight neighbouring
leaves make a group, one bit each, as in RapidScorer (Ye et al., KDD 2018). So a tree is a list
of comparisons without a branch, and 128 rows go through it together.
"""

from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranking.forest.nodes import Node, Split, in_order
from ranking.forest.planes import (
    MOST_THRESHOLDS,
    ChoicePlanes,
    SplitPlanes,
    choice_planes,
    split_planes,
)
from ranking.forest.tree import Forest
from ranking.lanes import LANES

GROUP = 8
_FOUR_TIMES = 0x01010101  # repeats a byte over a word

type Test = tuple[int, int, int]


class Layout(NamedTuple):
    """A forest as flat arrays, in the order in which the kernel takes them.

    The first five are those of `SplitPlanes` and `ChoicePlanes`. ``tests`` is uint32[t, 3]: the
    place of a plane, the bin that is not enough (in each of four bytes), the leaves that a larger
    bin rules out (ditto). ``stops`` is uint32[g]: where each group's tests end, groups from a
    tree's last to its first. ``groups`` is uint32[trees], ``values`` float64[8 * g].
    """

    splits: NDArray[np.int32]
    missing: NDArray[np.float32]
    thresholds: NDArray[np.float32]
    choices: NDArray[np.int32]
    tables: NDArray[np.int32]
    tests: NDArray[np.uint32]
    stops: NDArray[np.uint32]
    groups: NDArray[np.uint32]
    values: NDArray[np.float64]


def lay_out(forest: Forest) -> Layout:
    """Lay out a forest; raise ModelRejected for a category too large to hold."""
    trees = [in_order(tree) for tree in forest.trees]
    nodes = [node for tree, _ in trees for node in tree]
    by_split, by_choice = split_planes(nodes), choice_planes(nodes)
    tests: list[Test] = []
    stops: list[int] = []
    counts: list[int] = []
    values: list[float] = []
    for tree, leaves in trees:
        count = -(-len(leaves) // GROUP)
        groups = _groups(tree, count, by_split, by_choice)
        stops += (len(tests) + np.cumsum([len(group) for group in reversed(groups)])).tolist()
        tests += chain.from_iterable(reversed(groups))
        counts.append(count)
        values += leaves + [0.0] * (count * GROUP - len(leaves))
    return Layout(
        *by_split[:3],
        *by_choice[:2],
        np.array(tests, np.uint32).reshape(-1, 3),
        np.array(stops, np.uint32),
        np.array(counts, np.uint32),
        np.array(values, np.float64),
    )


def _groups(
    tree: list[Node], count: int, by_split: SplitPlanes, by_choice: ChoicePlanes
) -> list[list[Test]]:
    """List the tests that concern each group of a tree's leaves, first group first."""
    groups: list[list[Test]] = [[] for _ in range(count)]
    for node in tree:
        if isinstance(node.question, Split):
            plane, rank = by_split.bins[node.question, node.threshold]
            # The second of two planes has 255 - bin: bin <= rank <=> 255 - bin > 254 - rank.
            limit = MOST_THRESHOLDS - 1 - rank if node.mirrored else rank
        else:
            plane, limit = len(by_split.splits) + by_choice.order[node.question], 0
        place = (2 * plane + node.mirrored) * LANES
        for group in range(node.first // GROUP, -(-node.stop // GROUP)):
            low = max(node.first - group * GROUP, 0)
            high = min(node.stop - group * GROUP, GROUP)
            out = (1 << high) - (1 << low)
            groups[group].append((place, limit * _FOUR_TIMES, out * _FOUR_TIMES))
    return groups
