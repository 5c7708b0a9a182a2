"""What was counted at moments of the past: by the counter that serves, fed with what was before."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.events import BUCKET_MS, Event, increments
from features.live import Counts, live_of
from features.types import Live
from ranking.catalogue import Catalogue
from training.interactions import Interactions

AN_INTERACTION: Final = increments(Event("", "", "click", 0))
"""A data set's interactions count as clicks; it knows of no impressions."""


def lives(
    interactions: Interactions, moments_ms: NDArray[np.int64], catalogue: Catalogue
) -> Iterator[Live]:
    """Yield for each of ascending moments, Unix ms, what a replica would have counted by then.

    Only interactions before a moment count in it, whoever's they are.
    """
    order = np.argsort(interactions.times, kind="stable")
    times, items = interactions.times[order], interactions.items[order]
    fed = 0
    counts = Counts(int(moments_ms[0]) // BUCKET_MS if len(moments_ms) else 0)
    for moment in moments_ms.tolist():
        counts.advance(moment // BUCKET_MS)
        until = int(np.searchsorted(times, moment))
        for time, item in zip(times[fed:until].tolist(), items[fed:until].tolist(), strict=True):
            for kind, amount in AN_INTERACTION:
                counts.add(time // BUCKET_MS, kind, catalogue.ids[item], amount)
        fed = until
        tally = counts.tally()
        yield live_of(tally, *catalogue.located(tally.item_ids), len(catalogue))
