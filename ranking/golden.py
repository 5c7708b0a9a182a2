"""Golden requests: what a model must answer well before anybody is served from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Context, FeatureBlock, Items, Scores
from ranking.artifact import StoredRows
from ranking.assemble import assemble
from ranking.record import QUANTILES, Record
from ranking.rerank import depth_for, fill
from ranking.retrieval import appraise, retrieve
from ranking.snapshot import Snapshot

REQUESTS: Final = 100
STRANGERS: Final = 200
"""So many random items compete with the one that the user went on to take."""
LIMIT: Final = 20
DIVERSITY: Final = 0.3
MOST_HISTORY: Final = 200

type Clock = Callable[[], int]
"""Nanoseconds of whoever looks at what a request costs."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A user as they were before their last interaction, and the item of that one."""

    context: Context
    taken: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What n golden requests showed, one value each.

    ``picks`` int64[n] is the slate's length; ``finite`` and ``tied`` float64[n] are shares of the
    candidates: with a finite score from every ranker, and with the most common score. ``place``
    float64[n] is the share of random items that the item taken beats, a tie counting half: 0.5 is
    what chance does (it is the area under the ROC curve for one positive). ``cost_ns`` int64[n] is
    what the slate took, by the clock given. ``quantiles`` float64[11] are of all finite scores of
    all requests: least, tenths, most; NaN where there is none.
    """

    picks: NDArray[np.int64]
    finite: NDArray[np.float64]
    tied: NDArray[np.float64]
    place: NDArray[np.float64]
    cost_ns: NDArray[np.int64]
    quantiles: NDArray[np.float64]

    @property
    def record(self) -> Record | None:
        """What is kept of it beside the model; None where it is nothing to go by."""
        if not np.isfinite(self.quantiles).all():
            return None
        return Record(float(self.place.mean()), tuple(self.quantiles.tolist()))


def golden_requests(stored: StoredRows) -> list[Golden]:
    """Return requests of users spread evenly over those with two interactions or more."""
    able = np.flatnonzero(np.diff(stored.history_offsets) >= 2)
    chosen = able[np.linspace(0, len(able) - 1, min(REQUESTS, len(able))).astype(np.int64)]
    return [_before_the_last(stored, int(user)) for user in chosen]


def _before_the_last(stored: StoredRows, user: int) -> Golden:
    low, high = stored.history_offsets[user : user + 2].tolist()
    *before, taken = stored.history_items[max(low, high - 1 - MOST_HISTORY) : high].tolist()
    latest_first = dict.fromkeys(item for item in reversed(before) if item != taken)
    history = np.array([*latest_first], dtype=np.int64)
    return Golden(Context(stored.user_rows[user], True, history, history[:0]), taken)


def examine(snapshot: Snapshot, requests: list[Golden], clock: Clock = lambda: 0) -> Findings:
    """Answer every request twice: with a slate from retrieval, and by ranking what was taken."""
    rng = np.random.default_rng(len(snapshot.catalogue))
    found = [_answer(snapshot, golden, rng, clock) for golden in requests]
    picks, finite, tied, place, cost_ns, scores = zip(*found, strict=True)
    every = np.concatenate(scores)
    every = every[np.isfinite(every)].astype(np.float64)
    return Findings(
        np.array(picks),
        np.array(finite),
        np.array(tied),
        np.array(place),
        np.array(cost_ns, np.int64),
        np.quantile(every, np.linspace(0, 1, QUANTILES))
        if len(every)
        else np.full(QUANTILES, np.nan),
    )


def _answer(
    snapshot: Snapshot, golden: Golden, rng: np.random.Generator, clock: Clock
) -> tuple[int, float, float, float, int, Scores]:
    began = clock()
    block = _block(snapshot, golden.context, None)
    scores = snapshot.scorer(block.rows)
    picks = fill(block.items, scores, snapshot.directions, LIMIT, DIVERSITY, depth_for(LIMIT))
    took = clock() - began
    strangers = rng.integers(0, len(snapshot.catalogue), STRANGERS)
    given = _block(snapshot, golden.context, np.append(strangers, golden.taken))
    values = snapshot.scorer(given.rows)
    taken = given.items == golden.taken
    theirs, own = values[~taken], values[taken]
    everything = np.concatenate((scores, values))
    others = [ranker(given.rows) for ranker in snapshot.rankers.values()]
    counts = np.unique(everything, return_counts=True)[1]
    return (
        len(picks),
        float(np.isfinite(np.concatenate((everything, *others))).mean()),
        float(counts.max() / len(everything)),
        float((theirs < own).mean() + (theirs == own).mean() / 2) if len(theirs) else 0.5,
        took,
        everything,
    )


def _block(snapshot: Snapshot, context: Context, items: Items | None) -> FeatureBlock:
    """Return the candidates, found or given, with their rows, of the artifact's own."""
    candidates = (
        retrieve(context, snapshot) if items is None else appraise(context, snapshot, items)
    )
    present = np.ones(len(candidates.items), dtype=np.bool_)
    rows = snapshot.item_rows[candidates.items]
    return assemble(context, candidates, rows, present, snapshot)
