"""Golden requests: what a model must answer well before anybody is served from it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Items
from ranking.artifact import StoredRows
from ranking.assemble import assemble
from ranking.rerank import depth_for, fill
from ranking.retrieval import appraise, retrieve
from ranking.snapshot import Snapshot

REQUESTS: Final = 100
STRANGERS: Final = 200
"""So many random items compete with the one that the user went on to take."""
LIMIT: Final = 20
DIVERSITY: Final = 0.3
MOST_HISTORY: Final = 200


@dataclass(frozen=True, slots=True)
class Golden:
    """A user as they were before their last interaction, and the item of that one."""

    context: Context
    taken: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What n golden requests showed, one value each.

    ``picks`` int64[n] is the slate's length; ``finite`` and ``tied`` float64[n] are shares of the
    candidates: with a finite score, and with the most common score. ``place`` float64[n] is the
    share of random items that the item taken beats, a tie counting half: 0.5 is what chance
    does (it is the area under the ROC curve for one positive).
    """

    picks: NDArray[np.int64]
    finite: NDArray[np.float64]
    tied: NDArray[np.float64]
    place: NDArray[np.float64]


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


def examine(snapshot: Snapshot, requests: list[Golden]) -> Findings:
    """Answer every request twice: with a slate from retrieval, and by ranking what was taken."""
    rng = np.random.default_rng(len(snapshot.catalogue))
    found = [_answer(snapshot, golden, rng) for golden in requests]
    picks, finite, tied, place = (np.array(column) for column in zip(*found, strict=True))
    return Findings(picks, finite, tied, place)


def _answer(
    snapshot: Snapshot, golden: Golden, rng: np.random.Generator
) -> tuple[int, float, float, float]:
    items, scores = _scored(snapshot, golden.context, None)
    picks = fill(items, scores, snapshot.directions, LIMIT, DIVERSITY, depth_for(LIMIT))
    strangers = rng.integers(0, len(snapshot.catalogue), STRANGERS)
    ranked, values = _scored(snapshot, golden.context, np.append(strangers, golden.taken))
    theirs, own = values[ranked != golden.taken], values[ranked == golden.taken]
    everything = np.concatenate((scores, values))
    counts = np.unique(everything, return_counts=True)[1]
    return (
        len(picks),
        float(np.isfinite(everything).mean()),
        float(counts.max() / len(everything)),
        float((theirs < own).mean() + (theirs == own).mean() / 2) if len(theirs) else 0.5,
    )


def _scored(
    snapshot: Snapshot, context: Context, items: Items | None
) -> tuple[Items, NDArray[np.float32]]:
    """Return the candidates, found or given, and their scores, on the artifact's own rows."""
    candidates = (
        retrieve(context, snapshot) if items is None else appraise(context, snapshot, items)
    )
    present = np.ones(len(candidates.items), dtype=np.bool_)
    rows = snapshot.item_rows[candidates.items]
    block = assemble(context, candidates, rows, present, snapshot)
    return block.items, snapshot.scorer(block.rows)
