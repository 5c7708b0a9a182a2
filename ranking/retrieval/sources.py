"""The retrieval sources by name: how each finds items, and what each thinks of any items."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Items, Mask
from ranking.retrieval import cooccurrence, popularity, vector
from ranking.retrieval.found import Found
from ranking.snapshot import Snapshot

type Source = Callable[[Context, Snapshot, Mask, int], Found]
"""(context, snapshot, blocked, k) -> up to k items that are not blocked."""

SOURCES: Final[Mapping[str, Source]] = {
    "vector": vector.retrieve,
    "cooccurrence": cooccurrence.retrieve,
    "popularity": popularity.retrieve,
}
"""Each source by name; the order is that of the columns of `Candidates.scores`."""

OPINIONS: Final = {
    "vector": vector.score,
    "cooccurrence": cooccurrence.score,
    "popularity": popularity.score,
}

QUOTAS: Final = {"vector": 200, "cooccurrence": 200, "popularity": 100}
"""How many candidates each source may offer."""


def opinions(context: Context, snapshot: Snapshot, items: Items) -> NDArray[np.float32]:
    """Return float32[s, n]: what each source thinks of each item, whoever offered it."""
    scores = np.empty((len(OPINIONS), len(items)), np.float32)
    for source, score in enumerate(OPINIONS.values()):
        scores[source] = score(context, snapshot, items)
    return scores
