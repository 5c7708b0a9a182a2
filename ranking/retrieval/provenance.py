"""Which sources offered a candidate."""

import numpy as np

from features.types import Candidates


def provenance(candidates: Candidates, pick: int) -> tuple[str, ...]:
    """Return the names of the sources that offered candidate ``pick``, who placed it highest first.

    The first is the one that `credit` credits it to; of those that placed it alike the surface's
    order decides. Empty where the caller brought it.
    """
    own = candidates.scores[pick]
    offered = np.flatnonzero(~np.isnan(own))
    ahead = (candidates.scores[:, offered] > own[offered]).sum(axis=0)
    return tuple(candidates.sources[source] for source in offered[np.argsort(ahead, kind="stable")])
