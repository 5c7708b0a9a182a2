"""Rotation: what was shown and not chosen makes room, a little more with each showing."""

from dataclasses import dataclass

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Context, Items, Scores

type Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Showings:
    """How often each of ``items`` was shown: both int64[m], the items ascending."""

    items: Items
    times: Numbers

    def hidden(self, hide_after: int) -> Items:
        """Return those that were shown as often as ``hide_after``, or more often: int64[h]."""
        hidden: Items = self.items[self.times >= hide_after]
        return hidden

    def lift(self, discount: float, items: Items) -> Scores:
        """Return ln(discount) for each showing of each of ``items`` int64[n]: float32[n]."""
        lifts = np.empty(len(items), np.float32)
        discounted(self.items, self.times, np.log(discount), items, lifts)
        return lifts


def showings(context: Context, within_s: float) -> Showings:
    """Count what the user was shown within the last ``within_s`` seconds and has not consumed."""
    recent = context.served[context.served_ages_s <= within_s]
    items, times = np.unique(recent, return_counts=True)
    kept = np.isin(items, context.history, invert=True, kind="sort")
    return Showings(items[kept], times[kept])


@kernel(
    inputs(types.int64),
    inputs(types.int64),
    types.float64,
    inputs(types.int64),
    output(types.float32),
)
def discounted(
    shown: Items, times: Numbers, per_showing: float, items: Items, lifts: Scores
) -> None:
    """Write ``per_showing`` for each time that each of the items was shown; ``shown`` ascends."""
    for i in range(len(items)):
        at = np.searchsorted(shown, items[i])
        found = at < len(shown) and shown[at] == items[i]
        lifts[i] = times[at] * per_showing if found else 0.0
