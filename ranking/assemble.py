"""The ranker's rows: one function, called by training and by every request alike."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from features.types import Candidates, Context, FeatureBlock, Mask, Rows, Scores
from ranking.columns import CROSS, SOURCE_NAMES
from ranking.retrieval import OPINIONS
from ranking.retrieval.recency import recent
from ranking.snapshot import Snapshot


def assemble(
    context: Context, candidates: Candidates, item_rows: Rows, present: Mask, snapshot: Snapshot
) -> FeatureBlock:
    """Make one row per candidate: source scores, crosses with the history, item and user row.

    Args:
        context: the asker.
        candidates: n of them.
        item_rows: float32[n, w], the candidates' stored rows, or the schema's defaults.
        present: bool[n], False where the defaults stand in.
        snapshot: supplies the rest; its scorer decides which columns, and no group is computed
            of which it wants none.

    Returns a block whose rows are float32[n, f], C-contiguous and finite: a value that is not
    a finite number counts as 0.
    """
    item_rows = _finite(item_rows)
    makers: dict[str, Callable[[], Rows]] = {
        "opinions": lambda: _opinions(context, candidates, snapshot),
        "taste": lambda: _taste(context, candidates, item_rows, snapshot),
        "gaps": lambda: _gaps(context, item_rows, snapshot),
        "item": lambda: item_rows,
        "user": lambda: np.broadcast_to(context.user_row, (len(item_rows), len(context.user_row))),
    }
    rows = np.empty((len(item_rows), len(snapshot.scorer.columns)), dtype=np.float32)
    for name, (source, target) in snapshot.parts.items():
        rows[:, target] = makers[name]()[:, source]
    return FeatureBlock(candidates.items, _finite(rows), present)


def _finite(rows: Rows) -> Rows:
    """Return rows with 0 for whatever is not a finite number; rows itself where all is well."""
    if np.isfinite(rows).all():
        return rows
    return np.nan_to_num(rows, nan=0.0, posinf=0.0, neginf=0.0)


def _opinions(context: Context, candidates: Candidates, snapshot: Snapshot) -> Rows:
    """Return the ``source.*`` and ``rank.*`` columns.

    A source's score is asked for every candidate, whoever offered it, so that a row means the
    same in a recommendation and in the ranking of a caller's own candidates.
    """
    out = np.empty((len(candidates.items), 2 * len(SOURCE_NAMES)), dtype=np.float32)
    for column, opinion in enumerate(OPINIONS.values()):
        scores = opinion(context, snapshot, candidates.items)
        out[:, column] = scores
        out[:, len(SOURCE_NAMES) + column] = _ranks(scores)
    return out


def _taste(context: Context, candidates: Candidates, item_rows: Rows, snapshot: Snapshot) -> Rows:
    """Return the ``taste.*``, ``attributes.*`` and ``history.*`` columns."""
    width = len(CROSS) - 2 * len(SOURCE_NAMES)
    out = np.zeros((len(candidates.items), width), dtype=np.float32)
    history, (last, weights) = context.history, recent(context)
    if not len(history) or not len(candidates.items):
        return out
    alike = np.full(len(history), 1.0 / len(history), dtype=np.float32)
    directions = snapshot.directions[candidates.items]
    cosines = directions @ snapshot.directions[last].T
    place = cosines.argmax(axis=1)
    out[:, 0] = cosines[:, 0]
    out[:, 1] = cosines[np.arange(len(place)), place]
    out[:, 2] = place
    out[:, 3] = directions @ (alike @ snapshot.directions[history])
    has = item_rows[:, snapshot.layout.attributes]
    share = has / np.maximum(has.sum(axis=1, keepdims=True), 1.0)
    out[:, 4] = share @ (weights @ snapshot.attributes[last])
    out[:, 5] = share @ (alike @ snapshot.attributes[history])
    out[:, 6] = np.log1p(len(history))
    return out


def _ranks(scores: Scores) -> NDArray[np.int64]:
    """Return each score's place, 0 for the best; ties in the order given."""
    order = np.argsort(-scores, kind="stable")
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    return ranks


def _gaps(context: Context, item_rows: Rows, snapshot: Snapshot) -> Rows:
    """Return float32[n, m]: each number minus its recency-weighted mean over the history."""
    numbers: Rows = item_rows[:, snapshot.layout.numbers]
    last, weights = recent(context)
    if not len(last):
        return np.zeros_like(numbers)
    return numbers - weights @ snapshot.numbers[last]
