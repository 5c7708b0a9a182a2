"""A ranking without a model: the sources' own rankings, fused."""

from typing import Final

import numpy as np

from features.types import Candidates, Scores

FUSION_WEIGHTS: Final = (1.0, 1.0, 0.1)
"""Each source's say in `fuse`. Popularity knows nothing of the asker: it breaks near-ties."""


def fuse(candidates: Candidates) -> Scores:
    """Return float32[n]: the sources' rankings fused into one score, without any model.

    Reciprocal rank fusion with the paper's constant of 60 (Cormack, Clarke, Buettcher,
    SIGIR 2009), weighted. An item that a source did not offer gets nothing from it.
    """
    offered = ~np.isnan(candidates.scores)
    ranks = np.argsort(np.argsort(-candidates.scores, axis=0, kind="stable"), axis=0)
    votes = np.where(offered, FUSION_WEIGHTS / (61.0 + ranks), 0.0)
    total: Scores = votes.sum(axis=1).astype(np.float32)
    return total
