"""When each item was new."""

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ranking.catalogue import Catalogue
from training.interactions import Interactions

PROPERTIES: Final = ("added_at", "created_at")
"""Properties that say when an item was new; the first that does is believed."""
FIRST_MILLISECONDS: Final = 1e11
"""A number from here on is milliseconds, below seconds: 1973 and the year 5138."""
LAST_MOMENT: Final = 2.0**53


def added_times(catalogue: Catalogue, interactions: Interactions) -> NDArray[np.int64]:
    """Return int64[n_items], Unix milliseconds: when each item was new.

    That is what its property ``added_at`` or ``created_at`` says, ISO 8601 or Unix seconds or
    milliseconds; else its first interaction. One without either is as new as the last interaction
    of all: nobody has found it yet.
    """
    last = int(interactions.times.max()) if len(interactions) else 0
    added = np.full(len(catalogue), last, np.int64)
    np.minimum.at(added, interactions.items, interactions.times)
    for item, properties in enumerate(catalogue.properties):
        moments = (moment(properties.get(name)) for name in PROPERTIES)
        added[item] = next((found for found in moments if found is not None), added[item])
    return added


def moment(value: Any) -> int | None:
    """Return Unix milliseconds of ISO 8601, without a zone in UTC, or of a number; else None."""
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not abs(value) < LAST_MOMENT:
        return None
    return round(value if abs(value) >= FIRST_MILLISECONDS else value * 1000)
