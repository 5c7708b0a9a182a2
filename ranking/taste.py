"""How like its asker's history a candidate is."""

from math import log1p

import numpy as np
from numpy.typing import NDArray

from features.types import Context, Items, Rows
from ranking.columns import CROSS
from ranking.commonness import weigh_attributes
from ranking.likeness import liken
from ranking.profile import Profile
from ranking.retrieval.recency import recent
from ranking.snapshot import Snapshot

FIRST = CROSS.index("taste.last")
ATTRIBUTES = CROSS.index("attributes.recent")
LENGTH = CROSS.index("history.length")


def write_taste(
    context: Context,
    profile: Profile,
    items: Items,
    item_rows: Rows,
    snapshot: Snapshot,
    crosses: NDArray[np.float32],
) -> None:
    """Write the columns ``taste.*``, ``attributes.*`` and ``history.*`` of crosses float32[n, 13].

    All of them are 0 without a history. ``item_rows`` is float32[n, w]: what is no finite number
    in it counts as 0.
    """
    if not len(context.history):
        crosses[:, FIRST:] = 0.0
        return
    recent_items, _ = recent(context)
    liken(snapshot.directions, items, recent_items, profile.direction, crosses, FIRST)
    own, shares = snapshot.layout.attributes, (profile.recent_attributes, profile.attributes)
    weigh_attributes(item_rows, own, *shares, crosses, ATTRIBUTES)
    crosses[:, LENGTH] = log1p(len(context.history))
