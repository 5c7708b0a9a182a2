"""The slate: the best-scored candidates, re-ranked to be unlike each other."""

from math import isfinite

import numpy as np
from numpy.typing import NDArray

from features.types import Items, Scores
from ranking.rerank.mmr import mmr
from ranking.rerank.ramp import RAMP
from ranking.topk import Picks, top_k

# MMR looks at this many times the slate's length, and at as many at least: what lies deeper would
# cost more relevance than its variety is worth (docs/decisions/0016 has the figures).
DEPTH_PER_PLACE = 5
SMALLEST_DEPTH = 250


def depth_for(limit: int) -> int:
    """Return how many of the best scores compete for ``limit`` places."""
    return max(SMALLEST_DEPTH, DEPTH_PER_PLACE * limit)


def fill(
    items: Items,
    scores: Scores,
    directions: NDArray[np.float32],
    limit: int,
    diversity: float,
    depth: int,
    above: int = 0,
) -> Picks:
    """Pick up to ``limit`` of n candidates, best first: int64[k], indices into them.

    ``items`` is int64[n], ``scores`` float32[n], ``directions`` float32[n_items, d] by ordinal.
    The ``depth`` best compete by maximal marginal relevance, which grows over the first places
    (`RAMP`), ``above`` of which were filled before; without ``diversity`` that is plain top-k. A
    score that is no finite number earns no place.
    """
    best = top_k(scores, depth)
    relevance = scores[best]
    # In order of score, infinity is at one end, minus infinity and NaN at the other.
    if len(best) and not (isfinite(relevance[0]) and isfinite(relevance[-1])):
        best = best[np.isfinite(relevance)]
        relevance = scores[best]
    vectors = directions.take(items[best], axis=0)
    picks: Picks = best[mmr(relevance, vectors, limit, diversity, RAMP, above)]
    return picks
