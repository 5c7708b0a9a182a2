"""Which items must not be shown: the mask that every retrieval source obeys."""

import numpy as np

from features.types import Context, Mask
from ranking.snapshot import Snapshot


def blocked(context: Context, snapshot: Snapshot) -> Mask:
    """Return bool[n_items], True where the item was consumed already or is excluded."""
    mask = np.zeros(len(snapshot.catalogue), dtype=np.bool_)
    mask[context.history] = True
    mask[context.exclude] = True
    return mask
