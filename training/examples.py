"""Ranking examples: the rows a request would have had then, and what was consumed next."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Rows
from ranking.columns import EXTRA
from ranking.retrieval import retrieve
from ranking.scorers import LinearScorer
from ranking.snapshot import Snapshot
from training.constants import CUTS, NEGATIVES, SHARE
from training.datasets import Dataset
from training.datasets.errors import DataError
from training.fit import fit
from training.interactions import Interactions
from training.moments import lives
from training.progress import Progress, silent
from training.replay import context_of, rows_of


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows float32[n, f], labels int32[n] (0: not chosen), requests int32[q] (rows of each)."""

    columns: tuple[str, ...]
    rows: Rows
    labels: NDArray[np.int32]
    requests: NDArray[np.int32]

    def joined(self, other: Examples) -> Examples:
        """Return these and others of the same columns; raise ValueError where those differ."""
        if self.columns != other.columns:
            raise ValueError("examples of other columns cannot be joined")
        return Examples(
            self.columns,
            np.concatenate((self.rows, other.rows)),
            np.concatenate((self.labels, other.labels)),
            np.concatenate((self.requests, other.requests)),
        )


def examples(
    dataset: Dataset,
    interactions: Interactions,
    seed: int,
    progress: Progress = silent,
    *,
    live: bool = False,
) -> Examples:
    """Replay requests of the past against what was known at the time.

    At each cut the last fifth of every user's interactions is set aside; embeddings, neighbours,
    popularity, history and features come from what lies before, labels from the fifth. The next
    cut starts from what lies before this one.

    With ``live`` the rows have the columns `ranking.columns.EXTRA`, too, each request at the moment
    of the first interaction behind its cut: counts and ages are those of the interactions before
    the cut that had happened by then.

    Raises:
        DataError: there is nothing to learn from.
    """
    rng = np.random.default_rng(seed)
    blocks: list[Rows] = []
    labels: list[NDArray[np.int32]] = []
    before = interactions
    for cut in range(CUTS):
        before, after = before.split(SHARE)
        snapshot = fit(dataset, before, seed)
        if live:
            snapshot = _with_extra_columns(snapshot)
            askers = _askers_then(dataset, before, after)
        else:
            askers = ((user, context_of(dataset, before, user)) for user in range(before.n_users))
        for done, (user, context) in enumerate(askers):
            if done % 50 == 0:
                progress("examples", cut * before.n_users + done, CUTS * before.n_users)
            consumed = after.of_user(user)
            block = rows_of(context, retrieve(context, snapshot), snapshot)
            label = np.isin(block.items, consumed)
            if label.any() and not label.all():
                kept = _kept(label, rng)
                blocks.append(block.rows[kept])
                labels.append(label[kept].astype(np.int32))
    progress("examples", CUTS * before.n_users, CUTS * before.n_users)
    if not blocks:
        raise DataError(
            f"{dataset.name}: too little to learn a ranking from: nobody's later items are among "
            "what their earlier ones lead to; give more interactions per user"
        )
    return Examples(
        columns=snapshot.scorer.columns,
        rows=np.concatenate(blocks),
        labels=np.concatenate(labels),
        requests=np.array([len(label) for label in labels], dtype=np.int32),
    )


def _with_extra_columns(snapshot: Snapshot) -> Snapshot:
    columns = (*snapshot.columns, *EXTRA)
    return replace(snapshot, scorer=LinearScorer(np.zeros(len(columns)), 0.0, columns))


def _askers_then(
    dataset: Dataset, before: Interactions, after: Interactions
) -> Iterator[tuple[int, Context]]:
    """Yield who comes back after the cut, each at their moment, in the order of the moments."""
    users = np.flatnonzero(np.diff(after.offsets))
    moments = after.times[after.offsets[users]]
    order = np.argsort(moments, kind="stable")
    counted = lives(before, moments[order], dataset.catalogue)
    for user, now_ms, live in zip(
        users[order].tolist(), moments[order].tolist(), counted, strict=True
    ):
        yield user, context_of(dataset, before, user, now_ms, live)


def _kept(label: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Keep every positive and a random few of the rest, in their order."""
    rest = np.flatnonzero(~label)
    few = rng.choice(rest, size=min(NEGATIVES, len(rest)), replace=False)
    return np.sort(np.concatenate((np.flatnonzero(label), few)))
