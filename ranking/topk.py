"""The best k of n scores, in a total order."""

import numpy as np
from numpy.typing import NDArray

from features.types import Scores

type Picks = NDArray[np.int64]


def top_k(scores: Scores, k: int) -> Picks:
    """Pick the k best of float32[n] scores, best first: int64[min(k, n)].

    The order is total: NaN comes after everything else, equal scores keep the lower index first.
    """
    order = np.lexsort((np.arange(len(scores)), -scores, np.isnan(scores)))
    return order[: max(k, 0)].astype(np.int64)
