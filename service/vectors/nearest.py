"""The source: what the vector set finds, in the order of the exact scores."""

import os
from functools import cache
from typing import Final

import numpy as np

from features.errors import StoreUnavailable
from features.types import Context, Mask
from ranking.retrieval.found import NOTHING, Found
from ranking.retrieval.vector import fold_in
from ranking.scan.rescore import rescore
from ranking.snapshot import Snapshot
from ranking.topk import top_k
from service.vectors.vector_set import VectorSet

VARIABLE: Final = "BRAID_VECTORS"
"""The environment variable with the URL; it may hold a password, and so is no flag."""

SPARE: Final = 2
"""So many times what is wanted is asked for: some is blocked, and int8 misjudges the last."""

LEAST_BEAM: Final = 500


def nearest(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Return up to k items by inner product with the asker's vector, as `vector` would.

    Only the rows of what is found are read of the embeddings, which may be mapped from a disk.

    Raises:
        StoreUnavailable: the engine does not answer; the surface goes without this source.
    """
    if not len(context.history):
        return NOTHING
    query, count = fold_in(context, snapshot), SPARE * k
    ids = vector_set().find(snapshot.version, query, count, max(LEAST_BEAM, count))
    items = np.sort(snapshot.catalogue.ordinals(ids))
    items = items[~blocked[items]]
    scores = np.empty(len(items), np.float32)
    rescore(snapshot.embeddings, items, query, scores)
    picks = top_k(scores, k)
    return Found(items[picks], scores[picks])


def vector_set() -> VectorSet:
    """Return the vector set that the environment names.

    Raises:
        StoreUnavailable: it names none.
    """
    url = os.environ.get(VARIABLE)
    if not url:
        raise StoreUnavailable("store_down", f"set {VARIABLE} to the URL of a Redis 8")
    return _at(url)


@cache
def _at(url: str) -> VectorSet:
    return VectorSet.at(url)
