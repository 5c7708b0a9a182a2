"""Each score's place among the others."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output

type Floats = NDArray[np.float32]


def write_places(scores: Floats, columns: Floats, first_column: int) -> None:
    """Write to columns float32[n, c] the place of each score float32[s, n] in its row.

    0 is the best, ties go in the order given, NaN comes last. A row's places make a column, the
    first row's ``first_column``.
    """
    keys = np.empty(scores.shape, np.int64)
    rank(scores, keys)
    keys.sort(axis=1)  # numpy's sort of integers is vector code
    number(keys, columns, first_column)


@kernel(inputs(types.float32, 2), output(types.int64, 2))
def rank(scores: Floats, keys: NDArray[np.int64]) -> None:
    """Write keys that ascend as the scores descend, with each one's index in the lower half."""
    for row in range(len(scores)):
        for index in range(scores.shape[1]):
            score = np.float32(scores[row, index] + np.float32(0.0))  # both zeros alike
            bits = np.int32(np.float32(score).view(np.int32))
            falling = ~bits if bits >= 0 else bits & np.int32(0x7FFFFFFF)
            if np.isnan(score):
                falling = np.int32(0x7FFFFFFF)
            keys[row, index] = (np.int64(falling) << 32) | index


@kernel(inputs(types.int64, 2), output(types.float32, 2), types.int64)
def number(keys: NDArray[np.int64], columns: Floats, first_column: int) -> None:
    """Write at each key's index, in its row's column, its place in its row."""
    for row in range(len(keys)):
        for place in range(keys.shape[1]):
            columns[keys[row, place] & 0xFFFFFFFF, first_column + row] = place
