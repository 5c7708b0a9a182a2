"""A small multi-layer perceptron as a scorer."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output
from features.types import Rows, Scores
from ranking.lanes import (
    LANES,
    TILE,
    choose,
    gather,
    load,
    load_tile,
    multiply_add,
    spread,
    spread_tile,
    store,
)
from ranking.scorers.parameters import checked
from ranking.scorers.rows import check_rows

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1

type Given = NDArray[np.floating[Any]]
type Floats = NDArray[np.float32]


class MlpScorer:
    """Score rows by dense layers with ReLU between them, float32[n, f] -> float32[n].

    ``widths`` are the layers' sizes, the rows' columns first and 1 last: (64, 128, 64, 1). The
    parameters, float32[p], are each layer's weights [out, in] row by row and then its biases.
    Sums in float32, input after input, so that a row's score is the same bits whatever rows stand
    beside it; a BLAS product promises no such thing.
    """

    rows_per_block = TILE

    def __init__(self, parameters: Given, columns: Sequence[str], widths: Sequence[int]) -> None:
        self.columns = tuple(columns)
        fits = len(widths) > 1 and min(widths) > 0 and widths[-1] == 1
        if not fits or widths[0] != len(self.columns):
            raise ValueError(
                f"widths are {[*widths]}: they must lead from {len(self.columns)} columns to 1"
            )
        count = sum((before + 1) * width for before, width in pairwise(widths))
        self.parameters = checked(parameters, count)
        self._widths = np.array(widths, np.int64)

    @classmethod
    def of(
        cls, weights: Sequence[Given], biases: Sequence[Given], columns: Sequence[str]
    ) -> MlpScorer:
        """Take layers as most libraries keep them: weights float[out, in], biases float[out].

        Raises ValueError where they do not fit together, or are not finite. If the network
        learnt from scaled columns, multiply the scaling into the first layer.
        """
        widths = [len(columns), *map(len, weights)]
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            shape = widths[layer + 1], widths[layer]
            if np.shape(weight) != shape or np.shape(bias) != shape[:1]:
                raise ValueError(
                    f"layer {layer} has weights {[*np.shape(weight)]} and biases"
                    f" {[*np.shape(bias)]}, not {[*shape]} and {[shape[0]]}"
                )
        parts = [np.ravel(part) for pair in zip(weights, biases, strict=True) for part in pair]
        return cls(np.concatenate(parts), columns, widths)

    @property
    def description(self) -> dict[str, Any]:
        """What an artifact says of it, beside its parameters."""
        return {"kind": "mlp", "widths": self._widths.tolist()}

    def __call__(self, rows: Rows) -> Scores:
        """Score each row; raise ValueError if rows is not C-contiguous float32[n, f]."""
        check_rows(rows, self.columns)
        scores = np.empty(len(rows), np.float32)
        perceive(rows, self.parameters, self._widths, scores)
        return scores


@inlined
def _connect(
    x: Floats, parameters: Floats, at: int, width: int, outputs: int, count: int, y: Floats
) -> None:
    """Write a layer's sums, a plane of 128 rows per output, for the first ``count`` rows.

    Four outputs of 32 rows at a time: so many sums stay in registers.
    """
    biases = at + width * outputs
    for output_ in range(0, outputs, 4):
        a, b, c, d = (
            output_,
            min(output_ + 1, outputs - 1),  # past the end: the last output again
            min(output_ + 2, outputs - 1),
            min(output_ + 3, outputs - 1),
        )
        for lane in range(0, count, TILE):
            sum_a, sum_b = spread_tile(parameters[biases + a]), spread_tile(parameters[biases + b])
            sum_c, sum_d = spread_tile(parameters[biases + c]), spread_tile(parameters[biases + d])
            for i in range(width):
                value = load_tile(x, i * LANES + lane)
                sum_a = multiply_add(value, spread_tile(parameters[at + a * width + i]), sum_a)
                sum_b = multiply_add(value, spread_tile(parameters[at + b * width + i]), sum_b)
                sum_c = multiply_add(value, spread_tile(parameters[at + c * width + i]), sum_c)
                sum_d = multiply_add(value, spread_tile(parameters[at + d * width + i]), sum_d)
            store(y, a * LANES + lane, sum_a)
            store(y, b * LANES + lane, sum_b)
            store(y, c * LANES + lane, sum_c)
            store(y, d * LANES + lane, sum_d)


@kernel(inputs(types.float32, 2), inputs(types.float32), inputs(types.int64), output(types.float32))
def perceive(rows: Rows, parameters: Floats, widths: NDArray[np.int64], scores: Scores) -> None:
    """Write the network's output for rows, 128 at a time, layer after layer."""
    n, width = rows.shape
    cells = rows.reshape(n * width)
    planes = np.zeros((2, LANES * widths.max()), np.float32)
    lanes = np.empty(LANES, np.int32)
    zero = spread(np.float32(0.0))
    for start in range(0, n, LANES):
        count = min(LANES, n - start)
        for lane in range(LANES):
            lanes[lane] = min(lane, count - 1) * width  # past the end: the last row again
        for column in range(width):
            plane = gather(cells, start * width + column, load(lanes, 0))
            store(planes[0], column * LANES, plane)
        at = 0
        for layer in range(1, len(widths)):
            x, y = planes[(layer - 1) % 2], planes[layer % 2]
            _connect(x, parameters, at, widths[layer - 1], widths[layer], count, y)
            at += (widths[layer - 1] + 1) * widths[layer]
            if layer < len(widths) - 1:
                for place in range(0, LANES * widths[layer], LANES):
                    plane = load(y, place)
                    store(y, place, choose(zero > plane, zero, plane))  # NaN stays NaN
        for lane in range(count):
            scores[start + lane] = planes[(len(widths) - 1) % 2, lane]
