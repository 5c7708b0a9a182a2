"""What the asker did of late, by the clock: how long ago, how much, and what of."""

from math import log1p
from typing import Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Context, Items, Rows
from ranking.columns import FRESH
from ranking.commonness import weigh_attributes
from ranking.snapshot import Snapshot

type Floats = NDArray[np.float32]

SESSION_S: Final = 1800.0
"""How long ago an interaction may be that counts as of this session."""
HALF_LIFE_S: Final = 7 * 86_400.0


def ages_of(times_ms: NDArray[np.int64], now_s: float) -> Floats:
    """Return float32[n], how many seconds ago these were; what is ahead of our clock is now."""
    return np.maximum(now_s - times_ms / 1e3, 0.0).astype(np.float32)


def write_freshness(
    context: Context, item_rows: Rows, snapshot: Snapshot, columns: Floats, first_column: int
) -> None:
    """Write `FRESH` to columns float32[n, c] from the first on, all 0 where no age is known.

    ``item_rows`` is float32[n, w], the candidates': what is no finite number counts as 0.
    """
    history, ages_s = context.history, context.ages_s
    if not len(history) or len(ages_s) != len(history):
        columns[:, first_column : first_column + len(FRESH)] = 0.0
        return
    session, week = np.empty((2, snapshot.attributes.shape[1]), np.float32)
    count = sum_up(snapshot.attributes, history, ages_s, session, week)
    columns[:, first_column] = log1p(max(float(ages_s.min()), 0.0) / 3600)
    columns[:, first_column + 1] = log1p(count)
    own = snapshot.layout.attributes
    weigh_attributes(item_rows, own, session, week, columns, first_column + 2)


@kernel(
    inputs(types.float32, 2),
    inputs(types.int64),
    inputs(types.float32),
    output(types.float32),
    output(types.float32),
    returns=types.int64,
)
def sum_up(
    attributes: Floats, history: Items, ages_s: Floats, session: Floats, week: Floats
) -> int:
    """Write the mean attributes float32[a] of the session and of the history, which fades.

    All zeros for a session of no items. Returns how many items it has.
    """
    width = attributes.shape[1]
    of_session, fading = np.zeros(width, np.float64), np.zeros(width, np.float64)
    count, whole, youngest = 0, 0.0, np.float64(ages_s.min())
    for place in range(len(history)):
        # Against the youngest, which makes no difference to shares, no weight of all is 0.
        weight = np.exp2((youngest - ages_s[place]) / HALF_LIFE_S)
        whole += weight
        recent = ages_s[place] <= SESSION_S
        count += recent
        for column in range(width):
            has = np.float64(attributes[history[place], column])
            fading[column] += weight * has
            if recent:
                of_session[column] += has
    for column in range(width):
        session[column] = of_session[column] / max(count, 1)
        week[column] = fading[column] / whole
    return count
