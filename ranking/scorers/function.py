"""A user's plain Python function as a scorer."""

from collections.abc import Callable, Sequence

import numpy as np

from features.types import Rows, Scores
from ranking.plugins import plugin
from ranking.scorers.items import ItemColumns
from ranking.scorers.rows import check_rows

type ScoreFunction = Callable[[dict[str, float], dict[str, list[float]]], list[float]]


class FunctionScorer:
    """Score rows with ``function(user, items) -> scores``, float32[n, f] -> float32[n].

    ``user`` holds one float per user column, ``items`` one list of n floats per other column, each
    made when it is first asked for. Both are made afresh in every call, by the thread that will
    read them: two threads that read the same Python objects are slower than one. The function
    answers with n floats; NaN means "last".
    """

    rows_per_block = 1

    def __init__(
        self, function: ScoreFunction, columns: Sequence[str], user_columns: Sequence[str] = ()
    ) -> None:
        self.columns = tuple(columns)
        self._function = function
        unknown = set(user_columns) - set(self.columns)
        if unknown:
            raise ValueError(f"user columns {sorted(unknown)} are not among the rows' columns")
        self._user = tuple((self.columns.index(name), name) for name in user_columns)
        self._items = {c: j for j, c in enumerate(self.columns) if c not in user_columns}

    @classmethod
    def load(
        cls, spec: str, columns: Sequence[str], user_columns: Sequence[str] = ()
    ) -> FunctionScorer:
        """Import "module:function"; raise ValueError saying what is missing."""
        return cls(plugin(spec, "scorer"), columns, user_columns)

    def __call__(self, rows: Rows) -> Scores:
        """Score each row; raise ValueError or TypeError if the function answers badly."""
        check_rows(rows, self.columns)
        if len(rows) == 0:
            return np.empty(0, np.float32)
        user = {name: float(rows[0, j]) for j, name in self._user}
        scores = self._function(user, ItemColumns(rows, self._items))
        return _checked(scores, len(rows))


def _checked(scores: object, count: int) -> Scores:
    if not isinstance(scores, list):
        raise TypeError(f"the score function returned {type(scores).__name__}, not a list")
    if len(scores) != count:
        raise ValueError(f"the score function returned {len(scores)} scores for {count} rows")
    for kind in set(map(type, scores)) - {float, int}:
        at = [type(score) for score in scores].index(kind)
        if not issubclass(kind, np.floating | np.integer):
            raise TypeError(f"score {at} is a {kind.__name__}, not a float")
    with np.errstate(over="ignore"):  # beyond float32 is infinite
        return np.array(scores, np.float32)
