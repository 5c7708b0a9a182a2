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
