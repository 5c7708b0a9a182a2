"""A factorisation machine as a scorer: each pair of columns has a weight, a dot product."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Rows, Scores
from ranking.lanes import (
    LANES,
    TILE,
    gather,
    load,
    load_tile,
    multiply_add,
    spread_tile,
    store,
    to_doubles,
)
from ranking.scorers.parameters import checked
from ranking.scorers.rows import check_rows

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1

TOGETHER = 4  # factors whose sums stay in registers

type Given = NDArray[np.floating[Any]]


class FactorisationScorer:
    """Score rows by a factorisation machine of degree 2, float32[n, f] -> float32[n].

    ``bias + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j`` with one vector v_i of k ``factors`` per
    column (Rendle, ICDM 2010, equation 1), in O(k f) by his lemma 3.1. Columns that hold a user's
    vector and an item's are a special case: the dot product of the two. The parameters,
    float32[1 + f + f * k], are the bias, the weights and the vectors, column by column. Sums in
    float64, because the lemma subtracts what is nearly equal, and rounds once.
    """

    rows_per_block = TILE

    def __init__(self, parameters: Given, columns: Sequence[str], factors: int) -> None:
        self.columns = tuple(columns)
        width = len(self.columns)
        if factors < 1:
            raise ValueError(f"factors are {factors}: at least 1")
        self._factors = factors
        self.parameters = checked(parameters, 1 + width + width * factors)
        exact = self.parameters.astype(np.float64)
        self._bias, self._weights = float(exact[0]), exact[1 : 1 + width]
        vectors = exact[1 + width :].reshape(width, factors)
        self._vectors = np.zeros((-(-factors // TOGETHER) * TOGETHER, width))
        self._vectors[:factors] = vectors.T  # the rest adds nothing
        self._halves = (vectors**2).sum(axis=1) / 2

    @classmethod
    def of(
        cls, bias: float, weights: Given, vectors: Given, columns: Sequence[str]
    ) -> FactorisationScorer:
        """Take a bias, weights float[f] and vectors float[f, k]; raise ValueError as above."""
        if np.ndim(vectors) != 2 or np.shape(weights) != np.shape(vectors)[:1]:
            raise ValueError(
                f"weights {[*np.shape(weights)]} and vectors {[*np.shape(vectors)]} must be"
                f" {[len(columns)]} and {[len(columns), 'k']}"
            )
        parameters = np.concatenate(([bias], weights, np.ravel(vectors)), dtype=np.float32)
        return cls(parameters, columns, np.shape(vectors)[1])

    @property
    def description(self) -> dict[str, Any]:
        """What an artifact says of it, beside its parameters."""
        return {"kind": "factorisation", "factors": self._factors}

    def __call__(self, rows: Rows) -> Scores:
        """Score each row; raise ValueError if rows is not C-contiguous float32[n, f]."""
        check_rows(rows, self.columns)
        scores = np.empty(len(rows), np.float32)
        interact(rows, self._bias, self._weights, self._halves, self._vectors, scores)
        return scores


@kernel(
    inputs(types.float32, 2),
    types.float64,
    inputs(types.float64),
    inputs(types.float64),
    inputs(types.float64, 2),
    output(types.float32),
)
def interact(
    rows: Rows,
    bias: float,
    weights: NDArray[np.float64],
    halves: NDArray[np.float64],
    vectors: NDArray[np.float64],
    scores: Scores,
) -> None:
    """Write a factorisation machine's scores, 128 rows at a time.

    Args:
        rows: float32[n, f].
        bias: added to every score.
        weights: float64[f].
        halves: float64[f], half the squared length of each column's vector.
        vectors: float64[k, f], k a multiple of 4.
        scores: float32[n], to be written.
    """
    n, width = rows.shape
    cells = rows.reshape(n * width)
    plane = np.empty(LANES * width, np.float64)
    lanes = np.empty(LANES, np.int32)
    sums = np.empty(LANES, np.float64)
    half = spread_tile(0.5)
    for start in range(0, n, LANES):
        count = min(LANES, n - start)
        for lane in range(LANES):
            lanes[lane] = min(lane, count - 1) * width  # past the end: the last row again
        for column in range(width):
            x = gather(cells, start * width + column, load(lanes, 0))
            store(plane, column * LANES, to_doubles(x))
        for lane in range(0, count, TILE):
            total = spread_tile(bias)
            for column in range(width):
                value = load_tile(plane, column * LANES + lane)
                slope = spread_tile(weights[column]) - value * spread_tile(halves[column])
                total = multiply_add(value, slope, total)
            for factor in range(0, len(vectors), TOGETHER):
                a = b = c = d = spread_tile(0.0)
                for column in range(width):
                    value = load_tile(plane, column * LANES + lane)
                    a = multiply_add(value, spread_tile(vectors[factor, column]), a)
                    b = multiply_add(value, spread_tile(vectors[factor + 1, column]), b)
                    c = multiply_add(value, spread_tile(vectors[factor + 2, column]), c)
                    d = multiply_add(value, spread_tile(vectors[factor + 3, column]), d)
                total = multiply_add(half, a * a + b * b + (c * c + d * d), total)
            store(sums, lane, total)
        for lane in range(count):
            scores[start + lane] = sums[lane]
