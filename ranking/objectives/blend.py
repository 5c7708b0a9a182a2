"""A kernel that adds up objectives of different scales."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Scores


@kernel(inputs(types.float32, 2), inputs(types.float64), output(types.float32))
def blend(values: NDArray[np.float32], weights: NDArray[np.float64], scores: Scores) -> None:
    """Write ``sum_j weights[j] * (values[j] - mean_j) / deviation_j`` for each of n candidates.

    Zero mean and unit variance over the candidates of the request: objectives with units of their
    own become comparable, and unlike a scaling between the least and the most one wild value does
    not press all others together (Montague, Aslam, CIKM 2001, "ZMUV"). An objective that does
    not tell the candidates apart adds nothing.

    Args:
        values: float32[m, n], one objective per row. What is no finite number does not count in
            mean and deviation; NaN makes its candidate's score NaN, which comes last.
        weights: float64[m].
        scores: float32[n], to be written. Sums are float64, in the order given: the same bits
            whoever made the values.
    """
    n = values.shape[1]
    totals = np.zeros(n, np.float64)
    for objective in range(len(values)):
        count, total = 0, 0.0
        for row in range(n):
            value = values[objective, row]
            if np.isfinite(value):
                count += 1
                total += value
        mean = total / max(count, 1)
        squares = 0.0
        for row in range(n):
            value = values[objective, row]
            if np.isfinite(value):
                squares += (value - mean) * (value - mean)
        deviation = np.sqrt(squares / max(count, 1))
        # Equal values may differ from their mean by its rounding, which is no difference.
        factor = weights[objective] / deviation if deviation > 1e-12 * abs(mean) else 0.0
        for row in range(n):
            value = values[objective, row]
            if np.isfinite(value):
                totals[row] += factor * (value - mean)
            else:
                totals[row] += weights[objective] * value
    for row in range(n):
        scores[row] = totals[row]
