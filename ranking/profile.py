"""What a history comes to: the means that a candidate is compared with."""

from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output
from features.types import Context, Items
from ranking.retrieval.recency import recent
from ranking.snapshot import Snapshot

type Floats = NDArray[np.float32]

ITEMS, FLOATS, TABLE = inputs(types.int64), inputs(types.float32), inputs(types.float32, 2)
MEAN = output(types.float32)


class Profile(NamedTuple):
    """Means over a history; those over the recent items are weighted as `recent` weighs them.

    ``direction`` is float32[d], the mean of all directions. ``attributes`` float32[a] and
    ``recent_attributes`` float32[a] are the shares of items with each attribute. ``numbers`` is
    float32[m], over the recent items. Without a history all of them are NaN.
    """

    direction: Floats
    attributes: Floats
    recent_attributes: Floats
    numbers: Floats

    @classmethod
    def of(cls, context: Context, snapshot: Snapshot) -> Profile:
        """Sum up the history."""
        tables = snapshot.directions, snapshot.attributes, snapshot.numbers
        widths = [table.shape[1] for table in (*tables[:2], *tables[1:])]
        profile = cls(*[np.empty(width, np.float32) for width in widths])
        summarise(*tables, context.history, *recent(context), *profile)
        return profile


@inlined
def _mean(table: Floats, items: Items, weights: Floats, mean: Floats) -> None:
    """Write the weighted mean of the items' rows; one weight stands for all of them."""
    total = np.full(table.shape[1], 0.0 if len(items) else np.nan, np.float64)
    for place in range(len(items)):
        row, weight = table[items[place]], np.float64(weights[min(place, len(weights) - 1)])
        for column in range(len(total)):
            total[column] += weight * row[column]
    mean[:] = total


@kernel(TABLE, TABLE, TABLE, ITEMS, ITEMS, FLOATS, MEAN, MEAN, MEAN, MEAN)
def summarise(
    directions: Floats,
    attributes: Floats,
    numbers: Floats,
    history: Items,
    recent_items: Items,
    weights: Floats,
    direction: Floats,
    shares: Floats,
    recent_shares: Floats,
    numbers_mean: Floats,
) -> None:
    """Write the four means of a `Profile`: sums in float64, in the order of the history."""
    alike = np.full(1, 1.0 / max(len(history), 1), np.float32)
    _mean(directions, history, alike, direction)
    _mean(attributes, history, alike, shares)
    _mean(attributes, recent_items, weights, recent_shares)
    _mean(numbers, recent_items, weights, numbers_mean)
