"""How popular each item is these days."""

import numpy as np
from numpy.typing import NDArray

from training.constants import HALF_LIFE_DAYS
from training.interactions import Interactions


def decayed(interactions: Interactions, n_items: int) -> NDArray[np.float32]:
    """Return float32[n_items] in [0, 1]: interactions that lose half their weight in 180 days.

    The most popular item has 1.
    """
    if not len(interactions):
        return np.zeros(n_items, dtype=np.float32)
    total = np.bincount(interactions.items, weights(interactions), minlength=n_items)
    return (total / total.max()).astype(np.float32)


def weights(interactions: Interactions) -> NDArray[np.float64]:
    """Return float64[n], what each interaction still says: ages count from the last one of all."""
    age_days = (interactions.times.max() - interactions.times) / 86_400_000
    faded: NDArray[np.float64] = 0.5 ** (age_days / HALF_LIFE_DAYS)
    return faded
