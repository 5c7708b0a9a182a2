"""A past request, as the service would have met it."""

import numpy as np

from features.types import Candidates, Context, FeatureBlock
from ranking.assemble import assemble
from ranking.snapshot import Snapshot
from training.datasets import Dataset
from training.interactions import Interactions


def context_of(dataset: Dataset, before: Interactions, user: int) -> Context:
    """Return the context of a user whose interactions so far are these."""
    nothing = np.empty(0, dtype=np.int64)
    return Context(dataset.user_rows[user], True, before.of_user(user), nothing)


def rows_of(context: Context, candidates: Candidates, snapshot: Snapshot) -> FeatureBlock:
    """Return the candidates' rows, with every stored item row present."""
    present = np.ones(len(candidates.items), dtype=np.bool_)
    return assemble(context, candidates, snapshot.item_rows[candidates.items], present, snapshot)
