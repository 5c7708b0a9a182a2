"""What shadows find: how far a challenger's slates and scores are from those that were served."""

import math
import threading
from collections import deque
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.types import Scores
from ranking.experiments import jaccard, rank_biased_overlap, stability_index
from service.observe.histogram import Histogram
from service.observe.spans import NS_PER_MS

DEPTH: Final = 10
SLATES_KEPT: Final = 500
"""The latest of each side, whose scores are held against each other."""
QUANTILES: Final = (0.1, 0.5, 0.9)


class Ranked(msgspec.Struct, frozen=True):
    """A slate as one model has it: item ids best first, and their scores float32[k]."""

    item_ids: tuple[str, ...]
    scores: Scores


class Spread(msgspec.Struct, frozen=True):
    """Quantiles of scores; None before there are any."""

    p10: float | None
    p50: float | None
    p90: float | None

    @classmethod
    def of(cls, scores: NDArray[np.float32]) -> Self:
        """Measure."""
        found = np.quantile(scores, QUANTILES).tolist() if len(scores) else (None,) * 3
        return cls(*found)


class Findings(msgspec.Struct, frozen=True):
    """What is known of a challenger so far; None for what is not.

    ``jaccard`` (of the first 10) and ``rank_biased_overlap`` (0.9) are means over slates, 1 where
    all are the same; ``same_first`` is the share with the same item at the top. ``drift`` is the
    population stability index of the latest 500 slates' scores: 0.1 is little, 0.25 much.
    ``failed`` are those that raised, the latest with ``fault``; ``dropped`` came while no core was
    to spare. Times are of the challenger, on one thread.
    """

    compared: int
    dropped: int
    failed: int
    fault: str | None
    jaccard: float | None
    rank_biased_overlap: float | None
    same_first: float | None
    drift: float | None
    served_scores: Spread
    shadow_scores: Spread
    p50_ms: float | None
    p99_ms: float | None


class Tally:
    """Sums up one shadow's comparisons; one thread at a time adds, any may read."""

    def __init__(self) -> None:
        self.dropped = self.failed = self.compared = 0
        self.fault: str | None = None
        self._dropping = threading.Lock()  # any thread may drop, and few do
        self._sums = np.zeros(3)
        self._took = Histogram()
        self._served = deque[Scores](maxlen=SLATES_KEPT)
        self._shadow = deque[Scores](maxlen=SLATES_KEPT)

    def add(self, served: Ranked, shadow: Ranked, took_ns: int) -> None:
        """Count one pair of slates."""
        one, other = served.item_ids, shadow.item_ids
        alike = (jaccard(one, other, DEPTH), rank_biased_overlap(one, other), one[:1] == other[:1])
        self._sums = self._sums + alike
        self._took.record(took_ns)
        self._served.append(served.scores)
        self._shadow.append(shadow.scores)
        self.compared += 1

    def drop(self) -> None:
        """Count one that nobody had time for."""
        with self._dropping:
            self.dropped += 1

    def fail(self, fault: BaseException) -> None:
        """Count one that raised."""
        self.failed += 1
        self.fault = f"{type(fault).__name__}: {fault}"

    def findings(self) -> Findings:
        """Return what is known; a reader may be one comparison behind."""
        n, sums = self.compared, self._sums.tolist()
        alike, weighted, first = (total / n if n else None for total in sums)
        served, shadow = _flat(self._served), _flat(self._shadow)
        return Findings(
            compared=n,
            dropped=self.dropped,
            failed=self.failed,
            fault=self.fault,
            jaccard=alike,
            rank_biased_overlap=weighted,
            same_first=first,
            drift=_known(stability_index(served, shadow)),
            served_scores=Spread.of(served),
            shadow_scores=Spread.of(shadow),
            p50_ms=_known(self._took.quantile(0.5) / NS_PER_MS),
            p99_ms=_known(self._took.quantile(0.99) / NS_PER_MS),
        )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _flat(slates: deque[Scores]) -> NDArray[np.float32]:
    return np.concatenate([np.empty(0, np.float32), *slates.copy()])
