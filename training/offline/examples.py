"""Ranking examples from the pipeline's: the rows that the service would have ranked then."""

from dataclasses import replace
from typing import Final

import numpy as np

from features.types import Candidates
from ranking.assemble import assemble
from ranking.columns import SOURCE_NAMES
from ranking.scorers import LinearScorer
from training.constants import CUTS, SHARE
from training.datasets.errors import DataError
from training.examples import Examples
from training.fit import fit
from training.offline.prepared import FEATURES, Prepared, values_of
from training.progress import Progress, silent
from training.replay import context_of

UNSEEN: Final = tuple(f"gap.{name}" for name in FEATURES)
"""Columns that no example has: they compare with features of the history, which are today's."""


def rows_then(prepared: Prepared, seed: int, progress: Progress = silent) -> Examples:
    """Assemble each example of the pipeline as of its moment.

    Embeddings, neighbours, popularity and history are those of before the cut, the pipeline's
    features those of just before the request: nothing of what came after is in a row.

    Raises:
        DataError: there are no examples.
    """
    dataset = prepared.dataset
    told = prepared.tables.read("examples", ("cut", "user", "item"))
    if not len(told["label"]):
        raise DataError(f"{prepared.tables.folder}: no examples; give more interactions per user")
    of_users, of_items = values_of(told, "user."), values_of(told, "item.")
    bounds = _bounds(told["cut"], told["user"])
    blocks = []
    before = dataset.interactions
    width = len(FEATURES)
    for cut in range(CUTS):
        before, _ = before.split(SHARE)
        snapshot = fit(dataset, before, seed)
        columns = tuple(name for name in snapshot.columns if name not in UNSEEN)
        snapshot = replace(snapshot, scorer=LinearScorer(np.zeros(len(columns)), 0.0, columns))
        for low, high in bounds:
            if told["cut"][low] != cut:
                continue
            if low % 1000 < high - low:
                progress("examples", low, len(told["label"]))
            user, items = int(told["user"][low]), told["item"][low:high]
            row = np.concatenate((dataset.user_rows[user, :-width], of_users[low]))
            rows = np.hstack((dataset.item_rows[items, :-width], of_items[low:high]))
            scores = np.full((len(items), len(SOURCE_NAMES)), np.nan, np.float32)
            candidates = Candidates(items, scores, np.full(len(items), -1), SOURCE_NAMES)
            context = replace(context_of(dataset, before, user), user_row=row)
            present = np.ones(len(items), np.bool_)
            blocks.append(assemble(context, candidates, rows, present, snapshot).rows)
    progress("examples", len(told["label"]), len(told["label"]))
    return Examples(
        columns=columns,
        rows=np.concatenate(blocks),
        labels=told["label"].astype(np.int32),
        requests=np.diff([*(low for low, _ in bounds), len(told["label"])]).astype(np.int32),
    )


def _bounds(*keys: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[tuple[int, int]]:
    """Return where each run of equal keys begins and ends."""
    changes = np.any([np.diff(key, prepend=-1) != 0 for key in keys], axis=0)
    starts = np.flatnonzero(changes).tolist()
    return list(zip(starts, [*starts[1:], len(changes)], strict=True))
