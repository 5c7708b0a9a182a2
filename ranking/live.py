"""What all users did of late, as numbers for a candidate: counts, click-through rates, trend."""

from typing import Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output
from features.types import Items, Live
from ranking.columns import LIVE

type Floats = NDArray[np.float32]

PRIOR_CLICKS: Final = np.float32(1.0)
PRIOR_IMPRESSIONS: Final = np.float32(20.0)
"""Every item begins with one click in twenty impressions, a Beta(1, 19) prior: one click on the
first impression makes an item 2 in 21, not 1 in 1."""

_LOGS: Final = np.log1p(np.arange(1024, dtype=np.float32))
"""Of counts, which are whole and mostly small: to look one up takes a tenth of the time."""

ITEMS, TABLE, FLOATS = inputs(types.int64), inputs(types.float32, 2), inputs(types.float32)


def write_trend(live: Live | None, items: Items, values: Floats) -> None:
    """Write to float32[n] how each item trends: log(1 + weighted interactions), 0 if unknown."""
    if live is None:
        values[:] = 0.0
    else:
        rise(live.trend, items, values)


def write_ctr(live: Live | None, items: Items, values: Floats) -> None:
    """Write to float32[n] each item's click-through rate over the longest window, 0 if unknown.

    (clicks + 1) / (impressions + 20), at most 1: the mean under the prior above.
    """
    if live is None:
        values[:] = 0.0
    else:
        click_through(live.impressions[-1], live.clicks[-1], items, values)


def write_live(live: Live | None, items: Items, columns: Floats, first_column: int) -> None:
    """Write `LIVE` to columns float32[n, c] from the first on, all 0 where nothing is counted.

    One per window each: log(1 + impressions), log(1 + clicks), and the rate as above; then the
    trend.
    """
    if live is None:
        columns[:, first_column : first_column + len(LIVE)] = 0.0
    else:
        count(live.impressions, live.clicks, live.trend, items, columns, first_column)


@inlined
def _rate(clicks: np.float32, impressions: np.float32) -> np.float32:
    """Return the smoothed rate; clicks of which nobody reported the impression make 1 at most."""
    return min((clicks + PRIOR_CLICKS) / (impressions + PRIOR_IMPRESSIONS), np.float32(1.0))


@inlined
def _log(counted: np.float32) -> np.float32:
    """Return log(1 + a whole number)."""
    if counted < len(_LOGS):
        return np.float32(_LOGS[int(counted)])
    return np.float32(np.log1p(counted))


@kernel(FLOATS, ITEMS, output(types.float32))
def rise(trend: Floats, items: Items, values: Floats) -> None:
    """Write log(1 + trend) of each item."""
    for row in range(len(items)):
        values[row] = np.log1p(trend[items[row]])


@kernel(FLOATS, FLOATS, ITEMS, output(types.float32))
def click_through(impressions: Floats, clicks: Floats, items: Items, values: Floats) -> None:
    """Write each item's smoothed rate."""
    for row in range(len(items)):
        values[row] = _rate(clicks[items[row]], impressions[items[row]])


@kernel(TABLE, TABLE, FLOATS, ITEMS, output(types.float32, 2), types.int64)
def count(
    impressions: Floats,
    clicks: Floats,
    trend: Floats,
    items: Items,
    columns: Floats,
    first_column: int,
) -> None:
    """Write the columns of `write_live`; ``impressions`` and ``clicks`` are float32[w, n_items]."""
    windows = len(impressions)
    for row in range(len(items)):
        item = items[row]
        for window in range(windows):
            shown, chosen = impressions[window, item], clicks[window, item]
            at = first_column + window
            columns[row, at] = _log(shown)
            columns[row, at + windows] = _log(chosen)
            columns[row, at + 2 * windows] = _rate(chosen, shown)
        columns[row, first_column + 3 * windows] = np.log1p(trend[item])
