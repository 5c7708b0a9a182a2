"""What each segment of users likes more than everybody does."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from features.types import Rows
from ranking.columns import ItemLayout
from ranking.segments import Segments
from training.interactions import Interactions
from training.popularity import weights

BANDS: Final = 5
"""Into so many bands, of as many users each, a number of the users is cut."""
MOST_ITEMS: Final = 2000
"""Only the most popular items are told apart: of the others too little is known per segment."""
PRIOR: Final = 1000.0
"""Pretended interactions with everybody's taste: a small segment differs little from all."""


def liking(
    interactions: Interactions, user_rows: Rows, schema: dict[str, Any], n_items: int
) -> Segments | None:
    """Return each segment's popularity of the 2000 most popular items; None without interactions.

    A segment is a fifth of the users by a number (an age band), or all with an attribute (an
    occupation): whatever the schema of the users has. With the interactions weighted as for
    popularity, what is kept is log(((count in the segment + 1000 * share overall) / (total of the
    segment + 1000)) / share overall). ``user_rows`` is float32[n_users, u].
    """
    if not len(interactions):
        return None
    layout = ItemLayout.of(schema)
    edges = _edges(user_rows[:, layout.numbers])
    members = csr_matrix(_members(user_rows, layout, edges))
    faded, pairs = weights(interactions), (interactions.users, interactions.items)
    per_user = csr_matrix((faded, pairs), (len(user_rows), n_items))
    total = np.asarray(per_user.sum(axis=0)).reshape(-1)
    items = np.sort(np.argsort(-total, kind="stable")[: min(MOST_ITEMS, np.count_nonzero(total))])
    share = total / total.sum()
    counts = (members.T @ per_user[:, items]).toarray()
    totals = np.asarray(members.T @ per_user.sum(axis=1)).reshape(-1, 1)
    expected = share[items]
    lifts = np.log((counts + PRIOR * expected) / (totals + PRIOR) / expected)
    logs = np.ascontiguousarray(np.vstack((np.log(expected), lifts)), np.float32)
    return Segments.of(edges, items.astype(np.int32), logs, schema)


def _edges(numbers: Rows) -> NDArray[np.float32]:
    """Return float32[f, 4], where one band ends and the next begins."""
    inner = np.arange(1, BANDS) / BANDS
    if not numbers.size:
        return np.empty((numbers.shape[1], BANDS - 1), np.float32)
    return np.ascontiguousarray(np.quantile(numbers, inner, axis=0).T, np.float32)


def _members(rows: Rows, layout: ItemLayout, edges: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return float64[n_users, s], 1 where the user is of the segment."""
    bands = [
        np.searchsorted(own, rows[:, column], side="right")[:, None] == np.arange(BANDS)
        for column, own in zip(layout.numbers, edges, strict=True)
    ]
    return np.hstack((*bands, rows[:, layout.attributes] > 0)).astype(np.float64)
