"""A surface's objectives, made ready for one snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import lcm

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Items, Rows, Scores
from ranking.live import write_ctr, write_trend
from ranking.objectives.blend import blend
from ranking.objectives.names import CTR, ITEM, TREND, check_scoring, own_function
from ranking.objectives.settings import MODEL, ScoringSettings
from ranking.snapshot import Scorer, Snapshot


@dataclass(frozen=True, slots=True)
class Objectives:
    """What to score candidates by, and how much each counts.

    ``rankers`` score the rows, and whoever scores may cut those at multiples of
    ``rows_per_block`` and share them out:

        values = objectives.room(n)
        for ranker, scores in zip(objectives.rankers, values):
            scores[share] = ranker(rows[share])
        scores = objectives.total(values, context, items, item_rows)

    The other objectives, and every mean, are of all candidates, after the shares are done: the
    same bits however they were cut.
    """

    rankers: tuple[Scorer, ...]
    others: tuple[str, ...]
    columns: Mapping[str, int]
    weights: NDArray[np.float64]
    rows_per_block: int

    @classmethod
    def of(cls, settings: ScoringSettings, snapshot: Snapshot) -> Objectives:
        """Make ready what the settings name; one with the weight 0 is left out.

        Raises:
            ValueError: the first of what `check_scoring` finds.
        """
        for complaint in check_scoring(settings, snapshot):
            raise ValueError(complaint)
        rankers: dict[str, Scorer] = {MODEL: snapshot.scorer, **snapshot.rankers}
        named = {name: weight for name, weight in settings.objectives.items() if weight}
        for name in named:
            if ":" in name:
                rankers[name] = own_function(name, snapshot)
        scored = [name for name in named if name in rankers]
        others = [name for name in named if name not in rankers]
        places = {ITEM + name: place for place, name in enumerate(snapshot.item_columns)}
        weights = np.array([named[name] for name in (*scored, *others)])
        weights.flags.writeable = False
        return cls(
            tuple(rankers[name] for name in scored),
            tuple(others),
            {name: places[name] for name in others if name in places},
            weights,
            lcm(*(rankers[name].rows_per_block for name in scored)),
        )

    @property
    def one_ranker_alone(self) -> bool:
        """Tell whether a ranker's scores go out as they are: it alone, with the weight 1."""
        return len(self.rankers) == 1 and not self.others and self.weights[0] == 1.0

    def room(self, n: int) -> NDArray[np.float32]:
        """Return float32[m, n] to write the rankers' scores to, in their order."""
        return np.empty((len(self.weights), n), np.float32)

    def total(
        self, values: NDArray[np.float32], context: Context, items: Items, item_rows: Rows
    ) -> Scores:
        """Return float32[n], the weighted sum of the standardised objectives: see `blend`.

        ``values`` is a `room` whose first rows are written; ``item_rows`` are the candidates'
        stored rows, float32[n, w]. One ranker alone with the weight 1 keeps its scores, bit for
        bit.
        """
        if self.one_ranker_alone:
            alone: Scores = values[0]
            return alone
        for place, name in enumerate(self.others, len(self.rankers)):
            if name == TREND:
                write_trend(context.live, items, values[place])
            elif name == CTR:
                write_ctr(context.live, items, values[place])
            else:
                values[place] = item_rows[:, self.columns[name]]
        scores = np.empty(len(items), np.float32)
        blend(values, self.weights, scores)
        return scores
