"""Kernels that write the ranker's rows.

Indices without a sign spare the check for a negative one, and LLVM can copy by vectors.
"""

from typing import Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.types import Items, Rows
from ranking.kernels import inlined, inputs, kernel, output
from ranking.lanes import LANES, load, spread, store

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1

_LARGEST: Final = np.finfo(np.float32).max

type Floats = NDArray[np.float32]

FLOATS, TABLE, RUNS = inputs(types.float32), inputs(types.float32, 2), inputs(types.int64, 2)


@inlined
def _finite(value: np.float32) -> np.float32:
    return value if abs(value) <= _LARGEST else np.float32(0.0)


@inlined
def _copy(runs: Items, values: Floats, start: np.uint64, cells: Floats, begin: np.uint64) -> None:
    for run in range(len(runs)):
        source, target = start + np.uint64(runs[run, 0]), begin + np.uint64(runs[run, 1])
        for column in range(np.uint64(runs[run, 2])):
            cells[target + column] = _finite(values[source + column])


@kernel(TABLE, TABLE, FLOATS, FLOATS, RUNS, RUNS, RUNS, RUNS, output(types.float32, 2))
def write(
    crosses: Floats,
    item_rows: Rows,
    user_row: Floats,
    means: Floats,
    cross_runs: Items,
    item_runs: Items,
    user_runs: Items,
    gaps: Items,
    rows: Rows,
) -> None:
    """Write rows float32[n, f]; what is no finite number becomes 0.

    Args:
        crosses: float32[n, c].
        item_rows: float32[n, w].
        user_row: float32[u], the same in each row.
        means: float32[m], what a gap is counted from.
        cross_runs, item_runs, user_runs: int64[*, 3], the runs of columns to copy: first column
            there, first column here, how many.
        gaps: int64[g, 3]: which of the means, the number's column in an item row, and the
            gap's column here.
    """
    n, width = rows.shape
    cells, sides = rows.reshape(rows.size), crosses.reshape(crosses.size)
    stored = item_rows.reshape(item_rows.size)
    for i in range(np.uint64(n)):
        begin = i * np.uint64(width)
        _copy(cross_runs, sides, i * np.uint64(crosses.shape[1]), cells, begin)
        _copy(item_runs, stored, i * np.uint64(item_rows.shape[1]), cells, begin)
        _copy(user_runs, user_row, np.uint64(0), cells, begin)
        for gap in range(len(gaps)):
            value = _finite(item_rows[i, gaps[gap, 1]]) - means[gaps[gap, 0]]
            rows[i, gaps[gap, 2]] = _finite(value)


@kernel(TABLE, returns=types.boolean)
def all_finite(rows: Rows) -> bool:
    """Tell whether every value is a finite number."""
    cells, zero = rows.reshape(rows.size), spread(np.float32(0.0))
    whole = len(cells) // LANES * LANES
    strange = zero  # 0 times a finite number is 0; times anything else it is NaN, and stays so
    for start in range(0, whole, LANES):
        strange = strange + load(cells, start) * zero
    sums = np.empty(LANES, np.float32)
    store(sums, 0, strange)
    rest = np.float32(0.0)
    for at in range(whole, len(cells)):
        rest += cells[at] * np.float32(0.0)
    return not (np.isnan(sums).any() or np.isnan(rest))
