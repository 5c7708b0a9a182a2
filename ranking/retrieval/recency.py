"""How much each consumed item says about the next one: the recent ones say most."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Items

WINDOW: Final = 32
DECAY: Final = 0.9


def _normalised(length: int) -> NDArray[np.float32]:
    weights = DECAY ** np.arange(length, dtype=np.float64)
    return (weights / weights.sum()).astype(np.float32)


_weights_by_length: Final = tuple(_normalised(length) for length in range(WINDOW + 1))


def recent(context: Context) -> tuple[Items, NDArray[np.float32]]:
    """Return the last items int64[h], most recent first, h <= 32, and their weights float32[h].

    The weights decay by a tenth from one item to the next and sum to 1.
    """
    items = context.history[:WINDOW]
    return items, _weights_by_length[len(items)]
