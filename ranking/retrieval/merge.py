"""Several sources' offers as one set of candidates, with who offered what."""

from collections.abc import Sequence

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Candidates, Context, Items, Scores
from ranking.columns import SOURCE_NAMES
from ranking.retrieval.because import because
from ranking.retrieval.found import NOTHING, Found
from ranking.snapshot import Snapshot

_PLACE_BITS = 20  # of a key: where an offer stands among all offers; the item is above it
_PLACE = (1 << _PLACE_BITS) - 1


def merge(
    context: Context,
    snapshot: Snapshot,
    found: Sequence[Found | None],
    sources: tuple[str, ...] = SOURCE_NAMES,
) -> Candidates:
    """Return the union of the offers, one per source in the order of their names.

    None offers nothing: its column is all NaN.
    """
    offers = [NOTHING if offer is None else offer for offer in found]
    offered = np.concatenate([offer.items for offer in offers])
    offered_scores = np.concatenate([offer.scores for offer in offers])
    lengths = np.array([len(offer.items) for offer in offers])
    keys = np.empty(len(offered), np.int64)
    items = np.empty(len(offered), np.int64)
    scores = np.empty((len(offered), len(offers)), np.float32)
    label(offered, keys)
    keys.sort()  # numpy's sort of integers is vector code
    count = unite(keys, offered_scores, lengths, items, scores)
    items = items[:count]
    return Candidates(items, scores[:count], because(context, snapshot, items), sources)


@kernel(inputs(types.int64), output(types.int64))
def label(offered: Items, keys: NDArray[np.int64]) -> None:
    """Write keys that order as the items do, each with its place in ``offered``."""
    for place in range(len(offered)):
        keys[place] = (offered[place] << _PLACE_BITS) | place


@kernel(
    inputs(types.int64),
    inputs(types.float32),
    inputs(types.int64),
    output(types.int64),
    output(types.float32, 2),
    returns=types.int64,
)
def unite(
    keys: NDArray[np.int64],
    offered_scores: Scores,
    lengths: NDArray[np.int64],
    items: Items,
    scores: NDArray[np.float32],
) -> int:
    """Write each item of ascending ``keys`` once, and what each source said; return how many.

    The offers of one source stand together, ``lengths`` int64[s] of them.
    """
    count, last = 0, np.int64(-1)
    for key in keys:
        item, place = key >> _PLACE_BITS, key & _PLACE
        if item != last:
            items[count], last = item, item
            scores[count] = np.nan
            count += 1
        source, end = 0, lengths[0]
        while place >= end:
            source += 1
            end += lengths[source]
        scores[count - 1, source] = offered_scores[place]
    return count
