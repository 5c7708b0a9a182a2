"""Two models on the same users: a candidate, and the one that is serving."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.schema import Schema
from features.types import Context, Items, Mask
from ranking.artifact import StoredRows
from ranking.retrieval import retrieve
from ranking.snapshot import Snapshot
from ranking.topk import top_k
from training.bootstrap import Estimate, estimate
from training.datasets import Dataset
from training.datasets.errors import DataError
from training.interactions import Interactions
from training.metrics import ndcg
from training.progress import Progress, silent
from training.replay import context_of, rows_of

SHARE: Final = 0.2
SLATE: Final = 10
LEAST_USERS: Final = 20
"""With fewer, an interval says nothing."""


class Verdict(msgspec.Struct, frozen=True):
    """NDCG@10 of both over the same users; ``difference`` is the candidate's minus the other's."""

    serving_version: str
    users: int
    candidate: Estimate
    serving: Estimate
    difference: Estimate

    @property
    def worse(self) -> bool:
        """Tell whether the candidate is worse beyond the interval."""
        return self.difference.high < 0.0


def cut(dataset: Dataset, stored: StoredRows) -> tuple[Interactions, list[Items]]:
    """Return what the candidate may learn from, and what each user took next: items int64[r].

    What was taken next is the last fifth of each user's interactions, without those that the
    serving model has learnt from: it has an answer to them by heart.

    Raises:
        DataError: hardly anybody has anything new.
    """
    before, after = dataset.interactions.split(SHARE)
    new = ~_known(dataset, stored, after)
    relevant = [
        after.items[low:high][new[low:high]].astype(np.int64)
        for low, high in zip(after.offsets[:-1], after.offsets[1:], strict=True)
    ]
    judged = sum(len(taken) > 0 for taken in relevant)
    if judged < LEAST_USERS:
        raise DataError(
            f"{dataset.name}: only {judged} users have interactions that the serving model has not "
            f"learnt from, and {LEAST_USERS} are needed to compare; bring newer data"
        )
    return before, relevant


def compare(
    dataset: Dataset,
    before: Interactions,
    relevant: list[Items],
    candidate: Snapshot,
    serving: Snapshot,
    stored: StoredRows,
    seed: int,
    progress: Progress = silent,
) -> Verdict:
    """Have both answer every user with anything new, from the same history.

    Each uses its own catalogue, rows and candidates, as it would in service. Items that the data
    set has no more are shown by neither.
    """
    theirs = _InTheirWords(dataset, serving, stored)
    values = []
    for user, taken in enumerate(relevant):
        if user % 50 == 0:
            progress("compare", user, len(relevant))
        if not len(taken):
            continue
        context = context_of(dataset, before, user)
        known = theirs.items[_slate(theirs.context(context, dataset.user_ids[user]), serving)]
        values.append((ndcg(_slate(context, candidate), taken, SLATE), ndcg(known, taken, SLATE)))
    progress("compare", len(relevant), len(relevant))
    ours, other = np.array(values).T
    return Verdict(
        serving.version,
        len(values),
        estimate(ours, seed),
        estimate(other, seed),
        estimate(ours - other, seed),
    )


class _InTheirWords:
    """The data set's ordinals in the serving model's, and back; its rows for its users."""

    def __init__(self, dataset: Dataset, serving: Snapshot, stored: StoredRows) -> None:
        self.items: NDArray[np.int64] = _ordinals(serving.catalogue.ids, dataset.catalogue.ids)
        self._of_items = _ordinals(dataset.catalogue.ids, serving.catalogue.ids)
        self._retired = np.flatnonzero(self.items < 0)
        self._users = {user_id: user for user, user_id in enumerate(stored.user_ids)}
        self._rows = stored.user_rows
        self._stranger = Schema.parse(serving.schemas["user"]).default_row

    def context(self, context: Context, user_id: str) -> Context:
        history = self._of_items[context.history]
        user = self._users.get(user_id)
        row = self._stranger if user is None else self._rows[user]
        return Context(row, user is not None, history[history >= 0], self._retired)


def _ordinals(ids: Sequence[str], others: Sequence[str]) -> NDArray[np.int64]:
    """Return int64[len(ids)]: where each stands among the others, -1 where it does not."""
    place = {one: ordinal for ordinal, one in enumerate(others)}
    return np.array([place.get(one, -1) for one in ids], np.int64)


def _slate(context: Context, snapshot: Snapshot) -> Items:
    block = rows_of(context, retrieve(context, snapshot), snapshot)
    return block.items[top_k(snapshot.scorer(block.rows), SLATE)]


def _known(dataset: Dataset, stored: StoredRows, some: Interactions) -> Mask:
    """Return bool[n]: which of some interactions the artifact's histories hold."""
    n_items = len(dataset.catalogue)
    users = np.repeat(_ordinals(stored.user_ids, dataset.user_ids), np.diff(stored.history_offsets))
    items = _ordinals(stored.item_ids, dataset.catalogue.ids)[stored.history_items]
    both = (users >= 0) & (items >= 0)
    learnt = users[both] * n_items + items[both]
    return np.isin(some.users.astype(np.int64) * n_items + some.items, learnt)
