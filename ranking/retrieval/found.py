"""What one retrieval source offers."""

from dataclasses import dataclass

import numpy as np

from features.types import Items, Scores


@dataclass(frozen=True, slots=True)
class Found:
    """Offered items int64[m], best first, with the source's own scores float32[m]."""

    items: Items
    scores: Scores


NOTHING = Found(np.empty(0, np.int64), np.empty(0, np.float32))


def in_order(items: Items) -> Found:
    """Offer items int64[m] whose order is all there is to say: the n-th scores 1 / n."""
    return Found(items, (1.0 / np.arange(1, len(items) + 1)).astype(np.float32))
