"""Editorial retrieval: a list that people made."""

import numpy as np

from features.types import Context, Items, Mask
from ranking.retrieval.found import Found, in_order
from ranking.retrieval.popularity import first_open
from ranking.snapshot import Snapshot


def retrieve(
    context: Context,  # noqa: ARG001 - a source's signature
    snapshot: Snapshot,  # noqa: ARG001
    blocked: Mask,
    k: int,
    listed: Items,
) -> Found:
    """Return the first k of the listed items int64[m] that are not blocked, in the list's order."""
    items = np.empty(max(k, 0), np.int64)
    return in_order(items[: first_open(listed, blocked, items)])
