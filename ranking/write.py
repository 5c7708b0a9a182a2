"""Kernels that write the ranker's rows."""
# mypy: disable-error-code="no-untyped-call"
# (numba and llvmlite are untyped throughout)

import numpy as np
from llvmlite.ir import IRBuilder, Value
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output
from features.types import Items, Rows
from ranking.lanes import LANES, _instruction, choose, load, magnitude, spread, store

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1

type Floats = NDArray[np.float32]

FLOATS, TABLE, RUNS = inputs(types.float32), inputs(types.float32, 2), inputs(types.int64, 2)
_FLOAT_BYTES = 4


@_instruction(
    lambda target, _to, source, _at, _count: types.void(
        target, types.intp, source, types.intp, types.intp
    )
)
def _copy(
    builder: IRBuilder, target: Value, to: Value, source: Value, at: Value, count: Value
) -> None:
    """Copy source.flat[at : at + count] to target.flat[to :], float32 both, unchecked.

    A loop over some twenty values is slower: LLVM makes one of it for hundreds.
    """
    size = builder.mul(count, count.type(_FLOAT_BYTES))
    places = builder.gep(target, [to]), builder.gep(source, [at])
    cgutils.raw_memcpy(builder, *places, size, 1, align=_FLOAT_BYTES)


@inlined
def _finite(value: np.float32) -> np.float32:
    return value if abs(value) < np.inf else np.float32(0.0)


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
    for i in range(n):
        for source, target, length in cross_runs:
            _copy(rows, i * width + target, crosses, i * crosses.shape[1] + source, length)
        for source, target, length in item_runs:
            _copy(rows, i * width + target, item_rows, i * item_rows.shape[1] + source, length)
        for source, target, length in user_runs:
            _copy(rows, i * width + target, user_row, source, length)
        for mean, number, target in gaps:
            rows[i, target] = _finite(item_rows[i, number]) - means[mean]
    cells, zero = rows.reshape(rows.size), spread(np.float32(0.0))
    whole = len(cells) // LANES * LANES
    for start in range(0, whole, LANES):
        value = load(cells, start)
        store(cells, start, choose(spread(np.float32(np.inf)) > magnitude(value), value, zero))
    for at in range(whole, len(cells)):
        cells[at] = _finite(cells[at])


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
