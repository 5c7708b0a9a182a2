"""One search for the best k vectors, in parts that any threads may do."""

from collections.abc import Sequence
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Items, Mask, Scores
from ranking.lanes import LANES
from ranking.scan.exact import scan
from ranking.scan.keys import FLOOR, Keys, indices, room
from ranking.scan.rescore import rescore
from ranking.scan.sketch import Sketch
from ranking.scan.skim import skim
from ranking.topk import top_k

BREADTH: Final = 10
"""How many candidates a sketch gives for each vector that is wanted: recall for time."""

LEAST_BREADTH: Final = 5000
"""How many it gives at least: the few best of a tight cluster look alike in it."""

ITEMS_A_CANDIDATE: Final = 500
"""It gives one of so many at least: the more vectors, the more of them look as good as the best."""

_MUCH: Final = 6  # times the breadth: with fewer vectors the scan of all is as quick
_SAMPLE: Final = 64  # one in so many blocks is looked at ahead of the others


class Search:
    """The k best of float32[n, d] by inner product with float32[d], none of them blocked.

    Equal scores break by the lower index; NaN and minus infinity are never found. Any ranges that
    together make up ``range(blocks)`` give the same bits:

        items, scores = search.best([search.part(low, high) for low, high in ranges])

    With a sketch it reads that, takes `BREADTH` candidates from it for each vector wanted, or more
    of many vectors, and gives them their exact scores: nearly all of the best k, in exact order.
    Where the candidates would be much of the whole, it does without. Vectors behind those of the
    sketch, which came after it was drawn, are all candidates: there should be few of them.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        query: NDArray[np.float32],
        blocked: Mask,
        k: int,
        sketch: Sketch | None = None,
    ) -> None:
        self._vectors, self._query, self._blocked = vectors, query, blocked
        self._k = min(max(k, 0), len(vectors))
        share = len(vectors) // ITEMS_A_CANDIDATE
        self._breadth = max(BREADTH * self._k, LEAST_BREADTH, share)
        self._sketch = sketch if _MUCH * self._breadth < len(vectors) else None
        size = len(vectors) if self._sketch is None else self._sketch.size
        self.blocks, self._later = -(-size // LANES), blocked[size:]
        if self._sketch is not None:
            self._asked = self._sketch.ask(query)
            self._least = self._bar(self._sketch)

    def part(self, low: int, high: int) -> Keys:
        """Return the keys of the best, or of the candidates, in blocks [low, high)."""
        if self._k == 0:
            return room(0)[:0]
        if self._sketch is not None:
            return self._skim(self._sketch, low, high, self._breadth, self._least)
        keys = room(self._k)
        return keys[: scan(self._vectors, self._query, self._blocked, low, high, self._k, keys)]

    def best(self, parts: Sequence[Keys]) -> tuple[Items, Scores]:
        """Return up to k indices int64[m], best first, and their exact scores float32[m]."""
        keys = np.concatenate(parts)
        most = self._k if self._sketch is None else self._breadth
        if len(keys) > most:
            keys = np.partition(keys, len(keys) - most)[len(keys) - most :]
        items = np.sort(indices(keys))
        if len(self._later):
            first = len(self._vectors) - len(self._later)
            items = np.concatenate((items, first + np.flatnonzero(~self._later)))
        scores = np.empty(len(items), np.float32)
        rescore(self._vectors, items, self._query, scores)
        picks = top_k(scores, self._k)
        return items[picks], scores[picks]

    def _skim(self, sketch: Sketch, low: int, high: int, k: int, least: int) -> Keys:
        keys, codes = room(k), sketch.cells.reshape(-1)
        factors, stride = codes.view(np.float32), sketch.stride
        query, offset = self._asked
        blocked = self._blocked[: sketch.size]
        count = skim(codes, factors, query, offset, blocked, stride, low, high, k, least, keys)
        return keys[:count]

    def _bar(self, sketch: Sketch) -> int:
        """Return the key that candidates must exceed, as an even sample suggests it.

        Without it many more would be candidates for a while than are in the end. It is the same
        for all parts, and low enough that fewer than the breadth hardly ever exceed it.
        """
        expected = self._breadth / _SAMPLE
        enough = int(expected + 4 * sqrt(expected)) + 1
        keys = self._skim(sketch, 0, self.blocks // _SAMPLE, enough, FLOOR)
        return int(keys.min()) if len(keys) == enough else FLOOR
