"""The light phase: which candidates are worth a model's time."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numba import types

from features.kernels import inputs, kernel, output
from features.types import Candidates, Items, Scores
from ranking.retrieval.fuse import FUSION_WEIGHTS, fuse
from ranking.topk import top_k

NOBODY = np.empty(0, np.int64)


def lighten(
    candidates: Candidates,
    keep: int,
    weights: Mapping[str, float] = FUSION_WEIGHTS,
    kept: Items = NOBODY,
) -> Candidates:
    """Return the best ``keep`` candidates by the fused rankings of their sources.

    ``weights`` are the sources' say by name, 1 where not named. ``kept`` are ordinals in any order
    that go on whatever their score, as those that a request pins must. Ascending ordinals again;
    the candidates themselves where they are no more than ``keep``.
    """
    if len(candidates.items) <= keep:
        return candidates
    scores = fuse(candidates, weights)
    certain = favour(candidates.items, np.sort(kept), scores)
    picks = np.sort(top_k(scores, max(keep, certain)))
    return replace(
        candidates,
        items=candidates.items[picks],
        scores=candidates.scores[picks],
        because=candidates.because[picks],
    )


@kernel(inputs(types.int64), inputs(types.int64), output(types.float32), returns=types.int64)
def favour(items: Items, kept: Items, scores: Scores) -> int:
    """Give those of ascending ``items`` that are among ascending ``kept`` the best score.

    Returns how many they are.
    """
    count, place = 0, 0
    for row in range(len(items)):
        while place < len(kept) and kept[place] < items[row]:
            place += 1
        if place < len(kept) and kept[place] == items[row]:
            scores[row] = np.inf
            count += 1
    return count


def stand_behind(light: Scores, scored: Items, scores: Scores) -> Scores:
    """Return float32[n]: the scores of those that have one, and behind them the others.

    ``light`` is float32[n], the fused rankings, whose order the others keep; ``scored`` int64[m]
    are the rows that ``scores`` float32[m] belong to. The others lie below the least finite score
    by half of what lies between the least and the most, and more; where there is none, their
    score is the light phase's own.
    """
    behind = light.astype(np.float64)
    finite = scores[np.isfinite(scores)].astype(np.float64)
    if len(finite):
        least = finite.min()
        spread = max(finite.max() - least, 1e-3 * abs(least)) or 1.0
        below = (light.max() - behind) / (np.ptp(behind) or 1.0)
        behind = np.maximum(least - spread * (1 + below) / 2, np.finfo(np.float32).min)
    stood = behind.astype(np.float32)
    stood[scored] = scores
    return stood
