"""The caller's own candidates, as retrieval would have found them."""

import numpy as np
from numba import types

from features.kernels import kernel, output
from features.types import Candidates, Context, Items
from ranking.columns import SOURCE_NAMES
from ranking.retrieval.because import because
from ranking.retrieval.sources import opinions
from ranking.snapshot import Snapshot


def appraise(context: Context, snapshot: Snapshot, items: Items) -> Candidates:
    """Return the caller's items as candidates, each with every source's opinion of it."""
    items = np.sort(items)
    items = items[: keep_first(items)]
    scores = opinions(context, snapshot, items).T
    return Candidates(items, scores, because(context, snapshot, items), SOURCE_NAMES)


@kernel(output(types.int64), returns=types.int64)
def keep_first(items: Items) -> int:
    """Move the first of each run of equals to the front; return how many runs there are."""
    count = 0
    for item in items:
        if count == 0 or item != items[count - 1]:
            items[count] = item
            count += 1
    return count
