"""Users by how much is known of them."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from features.types import Items, Mask

COLD_BELOW: Final = 30
HEAVY_FROM: Final = 100


def segments(histories: Sequence[Items]) -> dict[str, Mask]:
    """Return who is cold (fewer than 30 interactions), warm or heavy (100 or more): bool[n] each.

    A segment that nobody is in is left out.
    """
    lengths = np.array([len(history) for history in histories])
    named = {
        "cold": lengths < COLD_BELOW,
        "warm": (lengths >= COLD_BELOW) & (lengths < HEAVY_FROM),
        "heavy": lengths >= HEAVY_FROM,
    }
    return {name: members for name, members in named.items() if members.any()}
