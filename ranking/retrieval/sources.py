"""The retrieval sources by name: how each finds items, and what each thinks of any items."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Items, Mask
from ranking.retrieval import (
    again,
    cooccurrence,
    latest,
    popularity,
    segment,
    similar,
    trending,
    vector,
)
from ranking.retrieval.found import Found
from ranking.snapshot import Snapshot

type Source = Callable[[Context, Snapshot, Mask, int], Found]
"""(context, snapshot, blocked, k) -> up to k items that are not blocked."""

SOURCES: Final[Mapping[str, Source]] = {
    "vector": vector.retrieve,
    "cooccurrence": cooccurrence.retrieve,
    "popularity": popularity.retrieve,
    "similar": similar.retrieve,
    "segment": segment.retrieve,
    "trending": trending.retrieve,
    "latest": latest.retrieve,
    "again": again.retrieve,
}
"""Each source that a surface may name; lists and functions of its own come on top."""

OPINIONS: Final = {
    "vector": vector.score,
    "cooccurrence": cooccurrence.score,
    "popularity": popularity.score,
}
"""The sources that the ranker hears on every candidate: `ranking.columns.SOURCE_NAMES`."""


def opinions(context: Context, snapshot: Snapshot, items: Items) -> NDArray[np.float32]:
    """Return float32[s, n]: what each of `OPINIONS` thinks of each item, whoever offered it."""
    scores = np.empty((len(OPINIONS), len(items)), np.float32)
    for source, score in enumerate(OPINIONS.values()):
        scores[source] = score(context, snapshot, items)
    return scores
