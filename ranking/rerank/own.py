"""A user's plain Python function as a re-ranker."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from features.types import Items, Scores
from ranking.catalogue import Catalogue
from ranking.topk import Picks

type RerankFunction = Callable[[list[str], list[float], list[dict[str, Any]], int], list[int]]


def order(
    function: RerankFunction, items: Items, scores: Scores, catalogue: Catalogue, limit: int
) -> Picks:
    """Have ``function(ids, scores, properties, limit) -> picks`` order n candidates: int64[p].

    It gets three lists of n, best first, and how many places there are, and answers with different
    indices into them, best first. What it leaves out is not shown. Raises ValueError or TypeError
    if it answers with anything else.
    """
    ordinals = items.tolist()
    picks = function(
        [catalogue.ids[item] for item in ordinals],
        scores.tolist(),
        [catalogue.properties[item] for item in ordinals],
        limit,
    )
    return _checked(picks, len(ordinals))


def _checked(picks: object, count: int) -> Picks:
    if not isinstance(picks, Sequence):
        raise TypeError(f"the re-ranker returned {type(picks).__name__}, not a list")
    for place, pick in enumerate(picks):
        if not isinstance(pick, int | np.integer) or isinstance(pick, bool):
            raise TypeError(f"pick {place} is a {type(pick).__name__}, not an index")
        if not 0 <= pick < count:
            raise ValueError(f"pick {place} is {pick}; there are {count} candidates")
    found = np.array(picks, np.int64)
    if len(np.unique(found)) < len(found):
        raise ValueError("the re-ranker returned the same candidate twice")
    return found
