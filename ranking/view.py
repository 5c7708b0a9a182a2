"""A surface's view of the features: the columns that its model may see."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import FeatureBlock, Items, Mask

type Words = NDArray[np.int32]


def view_mask(patterns: Sequence[str], columns: Sequence[str]) -> Mask:
    """Return bool[f], True for each column that a pattern (``item.*``) lets be seen.

    Raises:
        ValueError: names a pattern that no column matches.
    """
    for pattern in patterns:
        if not any(fnmatchcase(column, pattern) for column in columns):
            raise ValueError(
                f"no column of the model matches {pattern!r}; there are {_some(columns)}"
            )
    return np.array(
        [any(fnmatchcase(column, pattern) for pattern in patterns) for column in columns], np.bool_
    )


def veil(block: FeatureBlock, hidden: Items) -> FeatureBlock:
    """Return the block with columns ``hidden`` int64[h] reading 0; itself where there are none.

    ``hidden`` is ``np.flatnonzero(~view_mask(...))``, made once per surface and snapshot. The
    block's own rows are left alone: they may be the near cache's.
    """
    if not len(hidden):
        return block
    seen = np.full(block.rows.shape[1], -1, np.int32)
    seen[hidden] = 0
    rows = np.empty_like(block.rows)
    keep_bits(block.rows.view(np.int32), seen, rows.view(np.int32))
    return replace(block, rows=rows)


@kernel(inputs(types.int32, 2), inputs(types.int32), output(types.int32, 2))
def keep_bits(bits: Words, seen: Words, kept: Words) -> None:
    """Write the bits int32[n, f] of float32 rows that ``seen`` int32[f] has: 0.0 has none."""
    for row in range(len(bits)):
        for column in range(len(seen)):
            kept[row, column] = bits[row, column] & seen[column]


def _some(columns: Sequence[str]) -> str:
    groups = dict.fromkeys(column.partition(".")[0] for column in columns)
    return ", ".join(f"{group}.*" for group in groups)
