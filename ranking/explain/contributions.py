"""How much each column contributed to the scores of a few rows, whatever scored them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.types import Rows, Scores
from ranking.forest.shap import tree_shap
from ranking.scorers import ForestScorer, LinearScorer
from ranking.snapshot import Scorer

type Method = Literal["tree_shap", "linear", "occlusion"]


@dataclass(frozen=True, slots=True)
class Contributions:
    """``base + values.sum(axis=1) + rest`` are the scores of k rows.

    ``values`` is float64[k, f], a column's part of the score; ``base`` is the score of nobody in
    particular; ``rest`` float64[k] is what no column can be given alone.

    | method      | base                      | a column's part                            |
    |-------------|---------------------------|--------------------------------------------|
    | `tree_shap` | mean of the training rows | its SHAP value; the rest is 0              |
    | `linear`    | the bias                  | weight times value; the rest is 0          |
    | `occlusion` | score of the mean row     | what the score loses with the column's     |
    |             |                           | mean in its place; the rest is interaction |
    """

    method: Method
    base: float
    values: NDArray[np.float64]
    rest: NDArray[np.float64]


def contributions(scorer: Scorer, rows: Rows, chosen: NDArray[np.int64]) -> Contributions:
    """Explain the scores of the ``chosen`` of rows float32[n, f]: int64[k], indices.

    The other rows are only looked at where nothing better than occlusion is known for the scorer:
    "the mean" is theirs. That asks the scorer once per column, about k rows each time.
    """
    mine = np.ascontiguousarray(rows[chosen])
    nothing = np.zeros(len(chosen))
    match scorer:
        case ForestScorer(paths=paths, forest=forest) if paths is not None:
            return Contributions("tree_shap", paths.base, tree_shap(forest, paths, mine), nothing)
        case LinearScorer(parameters=parameters):
            exact = parameters.astype(np.float64)
            return Contributions("linear", float(exact[0]), mine * exact[1:], nothing)
    return _occlude(scorer, rows, mine)


def _occlude(scorer: Scorer, rows: Rows, mine: Rows) -> Contributions:
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    base = float(_told(scorer(mean[None, :]))[0])
    scores = _told(scorer(mine))
    values = np.empty(mine.shape)
    for column in range(len(mean)):
        without = mine.copy()
        without[:, column] = mean[column]
        values[:, column] = scores - _told(scorer(without))
    return Contributions("occlusion", base, values, scores - base - values.sum(axis=1))


def _told(scores: Scores) -> NDArray[np.float64]:
    """Return the scores; 0 for what is no finite number, as a slate tells them."""
    return np.where(np.isfinite(scores), scores, 0.0).astype(np.float64)
