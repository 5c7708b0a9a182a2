"""Time the network and the factorisation machine beside numpy (docs/decisions/0009).

    python -m benchmarks.networks [--short | --tiny] [--json]

"numpy" is what one writes: matrix products over all rows at once, in float32. Its bits for a row
may depend on what stands beside it; "128 rows at a time", the last block filled up, is what would
keep rows apart.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import service  # noqa: F401  ahead of numpy: it tells OpenBLAS to keep to one thread

# isort: split

import numpy as np
from numpy.typing import NDArray

from benchmarks.options import Options, emit, parse, say
from benchmarks.timing import as_dict, interleave
from features.types import Rows, Scores
from ranking.scorers import FactorisationScorer, MlpScorer

WIDTHS = (64, 128, 64, 1)
FACTORS = 16
BLOCK = 128

type Floats = NDArray[np.float32]


def forward(rows: Rows, weights: list[Floats], biases: list[Floats]) -> Scores:
    """Compute the network by one product per layer."""
    values = rows
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        values = values @ weight.T + bias
        if layer < len(weights) - 1:
            np.maximum(values, 0, out=values)
    return values[:, 0]


def forward_in_blocks(rows: Rows, weights: list[Floats], biases: list[Floats]) -> Scores:
    """Compute the network in products of one shape, so that they do the same for every row."""
    scores = np.empty(len(rows), np.float32)
    block = np.zeros((BLOCK, rows.shape[1]), np.float32)
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        block[: len(part)] = part
        scores[start : start + BLOCK] = forward(block, weights, biases)[: len(part)]
    return scores


def interactions(rows: Rows, weights: Floats, vectors: Floats) -> Scores:
    """Compute a factorisation machine by its lemma 3.1."""
    squares = ((rows @ vectors) ** 2).sum(axis=1) - (rows**2) @ (vectors**2).sum(axis=1)
    return np.asarray(rows @ weights + 0.5 * squares, np.float32)


def measure(options: Options) -> dict[str, Any]:
    """Check that all agree, then time them in turn."""
    seconds, repetitions = options.pick(full=(0.2, 7), short=(0.1, 3), tiny=(0.0, 1))
    rng = np.random.default_rng(0)
    columns = [f"f{i}" for i in range(WIDTHS[0])]
    shapes = [*pairwise(WIDTHS)]
    weights = [rng.normal(0, n**-0.5, (m, n)).astype(np.float32) for n, m in shapes]
    biases = [rng.normal(size=m).astype(np.float32) for _, m in shapes]
    network = MlpScorer.of(weights, biases, columns)
    linear = rng.normal(size=WIDTHS[0]).astype(np.float32)
    vectors = rng.normal(0, 0.1, (WIDTHS[0], FACTORS)).astype(np.float32)
    machine = FactorisationScorer.of(0.0, linear, vectors, columns)
    found = {}
    for n in options.pick(full=(1000, 128, 25), short=(1000, 25), tiny=(25,)):
        rows = rng.normal(size=(n, WIDTHS[0])).astype(np.float32)
        contestants: dict[str, Callable[[], Scores]] = {
            "network, braid": lambda: network(rows),  # noqa: B023  called at once
            "network, numpy": lambda: forward(rows, weights, biases),  # noqa: B023
            "network, numpy, 128 rows at a time": lambda: forward_in_blocks(rows, weights, biases),  # noqa: B023
            "factorisation, braid": lambda: machine(rows),  # noqa: B023
            "factorisation, numpy": lambda: interactions(rows, linear, vectors),  # noqa: B023
        }
        answers = [call() for call in contestants.values()]
        assert np.allclose(answers[0], answers[1], atol=1e-4)
        assert np.allclose(answers[0], answers[2], atol=1e-4)
        assert np.allclose(answers[3], answers[4], atol=1e-3)
        say(f"{n} rows")
        figures = interleave(contestants, seconds=seconds, repetitions=repetitions)
        found[f"{n} x {WIDTHS[0]}"] = as_dict(figures)
    return found


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
