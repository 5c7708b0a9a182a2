"""Where rows go at each node of a forest."""

import numpy as np
from numpy.typing import NDArray

from features.types import Rows
from ranking.forest.tree import (
    CATEGORICAL,
    DEFAULT_LEFT,
    MISSING_NAN,
    MISSING_NONE,
    MISSING_ZERO,
    ZERO,
    Forest,
)


def goes_left(forest: Forest, rows: Rows) -> NDArray[np.bool_]:
    """Return bool[n, m]: whether each row goes left at each of the forest's m nodes, tree by tree.

    As LightGBM decides (`Tree::NumericalDecision` and `CategoricalDecision`): for explanations,
    which look at a few rows; scores come from `ranking.forest.kernel`.
    """
    feature = np.concatenate([tree.feature for tree in forest.trees])
    threshold = np.concatenate([tree.threshold for tree in forest.trees])
    decision = np.concatenate([tree.decision for tree in forest.trees])
    sets = [tree.categories for tree in forest.trees for _ in range(len(tree.feature))]
    values = rows[:, feature].astype(np.float64)
    missing, nan = decision >> 2, np.isnan(values)
    values[(np.abs(values) <= ZERO) | (nan & (missing != MISSING_NAN))] = 0.0
    aside = (missing == MISSING_NAN) & nan | (missing == MISSING_ZERO) & (values == 0.0)
    by_default = (decision & DEFAULT_LEFT != 0) & (missing != MISSING_NONE)
    left = np.ascontiguousarray(np.where(aside, by_default, values <= threshold))
    for node in np.flatnonzero(decision & CATEGORICAL).tolist():
        categories = sets[node][int(threshold[node])]
        raw = rows[:, feature[node]]
        # NaN, infinity and negative numbers are no category, and fractions are cut off.
        valid = np.isfinite(raw) & (raw > -1.0)
        left[:, node] = [
            ok and int(value) in categories
            for ok, value in zip(valid.tolist(), raw.tolist(), strict=True)
        ]
    return left
