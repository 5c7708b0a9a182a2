"""Repeat retrieval: what the asker took before and may want again, or go on with."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Mask, Scores
from ranking.retrieval.found import NOTHING, Found
from ranking.snapshot import Snapshot
from ranking.topk import top_k

HALF_LIFE_S: Final = 14 * 86_400.0
"""After so long an interaction says half as much."""

type Floats = NDArray[np.float32]


def habit(ages_s: Floats, times: Floats) -> Scores:
    """Return float32[h], how much each item is a habit, from when it was taken last and how often.

    log(1 + times) halved every two weeks: the second time says more than the tenth, and what is
    over is over.
    """
    fresh = 0.5 ** (ages_s.astype(np.float64) / HALF_LIFE_S)
    scores: Scores = (np.log1p(times.astype(np.float64)) * fresh).astype(np.float32)
    return scores


def retrieve(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:  # noqa: ARG001 - a source's signature
    """Return the k items of the history that are most of a habit and not blocked.

    Nothing on a surface that hides what was seen, for there the whole history is blocked. Without
    ages the order of the history decides; without `times` each item counts once.
    """
    own = context.history
    if not len(own):
        return NOTHING
    ages_s = context.ages_s if len(context.ages_s) == len(own) else np.zeros(len(own), np.float32)
    times = context.times if len(context.times) == len(own) else np.ones(len(own), np.float32)
    free = ~blocked[own]
    items, scores = own[free], habit(ages_s[free], times[free])
    picks = top_k(scores, max(k, 0))
    return Found(items[picks], scores[picks])
