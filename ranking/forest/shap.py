"""How much each column moved a forest's score, exactly: path-dependent TreeSHAP."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Rows
from ranking.forest.decide import goes_left
from ranking.forest.paths import Paths
from ranking.forest.tree import Forest


def tree_shap(forest: Forest, paths: Paths, rows: Rows) -> NDArray[np.float64]:
    """Return float64[n, f], the SHAP values of each row's columns: base and values make the score.

    Of a game whose players are the columns a row has, where an absent column lets a row go both
    ways at a node, in the proportion of the training rows: Lundberg et al., Nature Machine
    Intelligence 2, 2020, algorithm 2, which LightGBM's `pred_contrib` computes, too. Each leaf is
    done by itself (Mitchell, Frank, Holmes, PeerJ CS 2022), in O(depth squared).
    """
    contributions = np.zeros((len(rows), len(forest.columns)))
    if len(paths.values):
        attribute(goes_left(forest, rows), *paths[1:], contributions)
    return contributions


@kernel(
    inputs(types.boolean, 2),
    inputs(types.float64),
    inputs(types.int64),
    inputs(types.int64),
    inputs(types.float64),
    inputs(types.int64),
    inputs(types.int64),
    inputs(types.boolean),
    output(types.float64, 2),
)
def attribute(
    decisions: NDArray[np.bool_],
    values: NDArray[np.float64],
    stops: NDArray[np.int64],
    columns: NDArray[np.int64],
    shares: NDArray[np.float64],
    step_stops: NDArray[np.int64],
    nodes: NDArray[np.int64],
    left: NDArray[np.bool_],
    contributions: NDArray[np.float64],
) -> None:
    """Add every leaf's part to contributions float64[n, f]; between them the fields of `Paths`.

    ``weights[j]`` is the sum over all subsets of j of the elements seen so far, of the share of
    orders in which these come first, times what they let through: EXTEND and UNWOUND SUM of the
    paper.
    """
    deepest, first = 0, 0
    for stop in stops:
        deepest, first = max(deepest, stop - first), stop
    weights = np.empty(deepest + 1)
    passes = np.empty(deepest, np.bool_)
    for row in range(len(decisions)):
        element = step = 0
        for leaf in range(len(values)):
            depth = stops[leaf] - element
            weights[0] = 1.0
            for i in range(depth):
                passes[i] = True
                while step < step_stops[element + i]:
                    passes[i] &= decisions[row, nodes[step]] == left[step]
                    step += 1
                share = shares[element + i]
                weights[i + 1] = 0.0
                for j in range(i, -1, -1):
                    if passes[i]:
                        weights[j + 1] += weights[j] * (j + 1) / (i + 2)
                    weights[j] *= share * (i + 1 - j) / (i + 2)
            barred = 0.0  # what every column adds that does not let the row through
            for j in range(depth):
                barred -= weights[j] * (depth + 1) / (depth - j)
            for i in range(depth):
                share, part = shares[element + i], barred
                if passes[i]:
                    total, ahead = 0.0, weights[depth]
                    for j in range(depth - 1, -1, -1):
                        without = ahead * (depth + 1) / (j + 1)
                        total += without
                        ahead = weights[j] - without * share * (depth - j) / (depth + 1)
                    part = total * (1.0 - share)
                contributions[row, columns[element + i]] += part * values[leaf]
            element = stops[leaf]
