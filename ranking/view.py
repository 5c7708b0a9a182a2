"""A surface's view of the features: the columns that its model may see."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np
from numba import types

from features.kernels import inputs, kernel, output
from features.types import FeatureBlock, Items, Mask, Rows


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
    rows = np.empty_like(block.rows)
    copy_without(block.rows, hidden, rows)
    return replace(block, rows=rows)


@kernel(inputs(types.float32, 2), inputs(types.int64), output(types.float32, 2))
def copy_without(rows: Rows, hidden: Items, veiled: Rows) -> None:
    """Write rows float32[n, f] to ``veiled``, with 0 in the hidden columns."""
    for row in range(len(rows)):
        veiled[row] = rows[row]
        for column in hidden:
            veiled[row, column] = 0.0


def _some(columns: Sequence[str]) -> str:
    groups = dict.fromkeys(column.partition(".")[0] for column in columns)
    return ", ".join(f"{group}.*" for group in groups)
