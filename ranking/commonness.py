"""A kernel that tells how common a candidate's attributes are in a history."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Items, Rows
from ranking.lanes import LANES, choose, gather, load, magnitude, spread, store

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1

type Floats = NDArray[np.float32]


@kernel(
    inputs(types.float32, 2),
    inputs(types.int64),
    inputs(types.float32),
    inputs(types.float32),
    output(types.float32, 2),
    types.int64,
)
def weigh_attributes(
    rows: Rows, own: Items, recent: Floats, long: Floats, columns: Floats, first_column: int
) -> None:
    """Write how common each row's attributes are recently and on the whole, 128 rows at a time.

    ``own`` int64[a] are the rows' columns with the attributes; those of one row are scaled to
    amount to 1, if they amount to more, and what is no finite number counts as 0. The two go to
    the columns of float32[n, c] from ``first_column`` on.
    """
    n, width = rows.shape
    cells = rows.reshape(n * width)
    lanes = np.empty(LANES, np.int32)
    sums = np.empty(3 * LANES, np.float32)
    for start in range(0, n, LANES):
        for lane in range(LANES):
            lanes[lane] = min(lane, n - 1 - start) * width  # past the end: the last again
        total = of_recent = of_long = spread(np.float32(0.0))
        for a in range(len(own)):
            has = gather(cells, start * width + own[a], load(lanes, 0))
            finite = spread(np.float32(np.inf)) > magnitude(has)
            has = choose(finite, has, spread(np.float32(0.0)))
            total = total + has
            of_recent = of_recent + has * spread(recent[a])
            of_long = of_long + has * spread(long[a])
        store(sums, 0, total)
        store(sums, LANES, of_recent)
        store(sums, 2 * LANES, of_long)
        for lane in range(min(LANES, n - start)):
            whole = max(sums[lane], np.float32(1.0))
            columns[start + lane, first_column] = sums[LANES + lane] / whole
            columns[start + lane, first_column + 1] = sums[2 * LANES + lane] / whole
