"""A boosted forest as a scorer."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from features.types import Rows, Scores
from ranking.forest import Forest, parse
from ranking.forest.kernel import score
from ranking.forest.layout import lay_out
from ranking.forest.paths import Paths, lay_paths
from ranking.lanes import LANES
from ranking.scorers.rows import check_rows


class ForestScorer:
    """Score rows, float32[n, f] -> float32[n]: LightGBM's raw prediction, rounded to float32."""

    rows_per_block = LANES

    def __init__(self, forest: Forest) -> None:
        self.columns = forest.columns
        self.forest = forest
        self._layout = lay_out(forest)

    @classmethod
    def load(cls, model_text: str, columns: Sequence[str] | None = None) -> ForestScorer:
        """Read LightGBM model text; raise ModelRejected if it cannot be scored exactly."""
        return cls(parse(model_text, columns))

    @cached_property
    def paths(self) -> Paths | None:
        """What explanations need, laid out when the first asks; None without the leaves' counts."""
        return lay_paths(self.forest)

    def __call__(self, rows: Rows) -> Scores:
        """Score each row; raise ValueError if rows is not C-contiguous float32[n, f]."""
        check_rows(rows, self.columns)
        scores = np.empty(len(rows), np.float32)
        score(rows, *self._layout, scores)
        return scores
