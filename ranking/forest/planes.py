"""Plan the planes: which byte per row and question the kernel must work out before the trees.

A split only asks where a value stands among its feature's thresholds. So a value is replaced by
its bin, the number of thresholds below it. Where a missing value goes is settled there too:
below all thresholds or above. A feature with more than 255 thresholds has several planes. A
categorical split has a plane of its own, 1 where the row goes right.
"""

from collections.abc import Iterable
from itertools import batched
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranking.forest.nodes import Choice, Node, Split
from ranking.forest.tree import MISSING_NAN, MISSING_NONE, MISSING_ZERO, ZERO, ModelRejected

MOST_THRESHOLDS = 255  # so that a bin is a byte
WORD = 32
_LARGEST_CATEGORY = 1 << 24  # beyond it float32 skips integers
_LARGEST_TABLES = 1 << 24  # words of all tables: one names every category up to its largest
_NEVER = -1.0  # no magnitude is that small


class SplitPlanes(NamedTuple):
    """Planes of numeric splits.

    ``splits`` is int32[p, 2]: the column and the levels of the binary search. ``missing`` is
    float32[p, 2]: a value of at most the first in magnitude, or NaN, is replaced by the second.
    ``thresholds`` is float32: 2 ** levels per plane, ascending, padded with infinity. ``bins``
    tells each threshold's plane and its rank there.
    """

    splits: NDArray[np.int32]
    missing: NDArray[np.float32]
    thresholds: NDArray[np.float32]
    bins: dict[tuple[Split, float], tuple[int, int]]


class ChoicePlanes(NamedTuple):
    """Planes of categorical splits, by tables of up to 32.

    ``choices`` is int32[w, 3]: the column, the first category that no split names, the number
    of splits. ``tables`` is int32: per table a word for "no category", one for each category
    and one for "beyond", with a bit per split that is set where the row goes right. ``order``
    tells each choice's place among the planes.
    """

    choices: NDArray[np.int32]
    tables: NDArray[np.int32]
    order: dict[Choice, int]


def split_planes(nodes: Iterable[Node]) -> SplitPlanes:
    """Plan one plane per column, kind of missing value and 255 thresholds."""
    wanted: dict[Split, set[float]] = {}
    for node in nodes:
        if isinstance(node.question, Split):
            wanted.setdefault(node.question, set()).add(node.threshold)
    splits: list[tuple[int, int]] = []
    missing: list[tuple[float, float]] = []
    thresholds: list[float] = []
    bins: dict[tuple[Split, float], tuple[int, int]] = {}
    for split, limits in sorted(wanted.items()):
        aside = -np.inf if split.default_left else np.inf
        replaced = {
            MISSING_NONE: (_NEVER, 0.0),
            MISSING_ZERO: (ZERO, aside),
            MISSING_NAN: (_NEVER, aside),
        }[split.missing]
        for part in batched(sorted(limits), MOST_THRESHOLDS, strict=False):
            bins |= {(split, limit): (len(splits), rank) for rank, limit in enumerate(part)}
            levels = len(part).bit_length()
            splits.append((split.column, levels))
            missing.append(replaced)
            thresholds += part + (np.inf,) * ((1 << levels) - len(part))
    return SplitPlanes(
        np.array(splits, np.int32).reshape(-1, 2),
        np.array(missing, np.float32).reshape(-1, 2),
        np.array(thresholds, np.float32),
        bins,
    )


def choice_planes(nodes: Iterable[Node]) -> ChoicePlanes:
    """Plan one plane per column and set of categories; raise ModelRejected for a huge category."""
    wanted: dict[int, set[frozenset[int]]] = {}
    for node in nodes:
        if isinstance(node.question, Choice):
            wanted.setdefault(node.question.column, set()).add(node.question.categories)
    choices: list[tuple[int, int, int]] = []
    tables = [np.empty(0, np.uint32)]
    order: dict[Choice, int] = {}
    for column, sets in sorted(wanted.items()):
        for part in batched(sorted(sets, key=sorted), WORD, strict=False):
            beyond = 1 + max(max(categories, default=-1) for categories in part)
            if beyond > _LARGEST_CATEGORY:
                raise ModelRejected(
                    f"category {beyond - 1} of feature {column} is too large:"
                    " number its categories from 0 on"
                )
            if beyond > _LARGEST_TABLES - sum(map(len, tables)):
                raise ModelRejected(
                    f"the categories of feature {column} leave too many out:"
                    " number them from 0 on, without gaps"
                )
            table = np.full(1 + beyond + 1, (1 << WORD) - 1, np.uint32)
            for bit, categories in enumerate(part):
                table[1 + np.array(sorted(categories), np.int64)] ^= np.uint32(1 << bit)
                order[Choice(column, categories)] = len(order)
            choices.append((column, beyond, len(part)))
            tables.append(table)
    return ChoicePlanes(
        np.array(choices, np.int32).reshape(-1, 3), np.concatenate(tables).view(np.int32), order
    )
