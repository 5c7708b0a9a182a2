"""A past request, as the service would have met it."""

import numpy as np

from features.types import Candidates, Context, FeatureBlock, Live
from ranking.assemble import assemble
from ranking.freshness import ages_of
from ranking.snapshot import Snapshot
from training.datasets import Dataset
from training.interactions import Interactions


def context_of(
    dataset: Dataset,
    before: Interactions,
    user: int,
    now_ms: int | None = None,
    live: Live | None = None,
) -> Context:
    """Return the context of a user whose interactions so far are these.

    ``now_ms`` is when they ask, in Unix ms; without it nothing is told of times. ``live`` is what
    was counted of all users by then.
    """
    nothing = np.empty(0, dtype=np.int64)
    history, row = before.of_user(user), dataset.user_rows[user]
    if now_ms is None:
        return Context(row, True, history, nothing, live=live)
    now_s = now_ms / 1e3
    ages = ages_of(before.times_of_user(user), now_s)
    return Context(row, True, history, nothing, ages_s=ages, live=live, now_s=now_s)


def rows_of(context: Context, candidates: Candidates, snapshot: Snapshot) -> FeatureBlock:
    """Return the candidates' rows, with every stored item row present."""
    present = np.ones(len(candidates.items), dtype=np.bool_)
    return assemble(context, candidates, snapshot.item_rows[candidates.items], present, snapshot)
