"""Exploration: places for items of which too little is known, by draws that a seed decides.

An item's draw depends on the seed and on the item alone, so it is the same on every page and
whoever else is a candidate.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output
from features.types import Items, Live, Mask, Scores

_PLACES, _ITEMS = np.uint64(1), np.uint64(2)  # which stream of random numbers
_ONE, _GOLDEN = np.uint64(1), np.uint64(0x9E3779B97F4A7C15)

type Doubles = NDArray[np.float64]


def explores(seed: int, share: float, first_place: int, offset: int, k: int) -> Mask:
    """Draw which of the k places from ``offset`` on explore: bool[k], ``share`` of them."""
    places = np.empty(k, np.bool_)
    draw_places(np.uint64(seed), share, offset, places)
    places[: max(0, first_place - offset)] = False
    return places


def thompson(
    seed: int, items: Items, live: Live | None, prior_clicks: float, prior_impressions: float
) -> Doubles:
    """Draw each item's click-through rate from what is known of it: float64[n], each in (0, 1).

    The Beta distribution of its clicks and of its impressions without one, over the longest window
    that is counted, on top of the prior's. Chapelle & Li, NIPS 2011, algorithm 2.
    """
    draws = np.empty(len(items))
    none = np.empty(0, np.float32)
    clicks, impressions = (live.clicks[-1], live.impressions[-1]) if live else (none, none)
    draw_rates(np.uint64(seed), items, clicks, impressions, prior_clicks, prior_impressions, draws)
    return draws


def anyone(seed: int, items: Items) -> Doubles:
    """Draw a number for each item, so that each is as likely the highest: float64[n]."""
    draws = np.empty(len(items))
    draw_numbers(np.uint64(seed), items, draws)
    return draws


@inlined
def _mixed(value: np.uint64) -> np.uint64:
    """Mix all bits into all others (splitmix64: Steele, Lea & Flood, OOPSLA 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@inlined
def _uniform(stream: np.uint64, count: np.uint64) -> float:
    """Return number ``count`` of a stream: uniform in (0, 1), neither end included."""
    bits = _mixed(stream + count * _GOLDEN) >> np.uint64(12)
    return (np.float64(bits) + 0.5) * 2.0**-52


@inlined
def _stream(seed: np.uint64, kind: np.uint64, item: int) -> np.uint64:
    return _mixed(_mixed(seed * _GOLDEN + kind) + np.uint64(item) * _GOLDEN)


@inlined
def _gamma(shape: float, stream: np.uint64, count: np.uint64) -> tuple[float, np.uint64]:
    """Draw from the gamma distribution; return the draw and the count after those used.

    Marsaglia & Tsang, ACM TOMS 26(3), 2000, with their step from a shape below 1.
    """
    lift = 1.0
    if shape < 1.0:
        lift = _uniform(stream, count) ** (1.0 / shape)
        count += _ONE
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    while True:
        radius = np.sqrt(-2.0 * np.log(_uniform(stream, count)))  # Box & Muller, 1958
        x = radius * np.cos(2.0 * np.pi * _uniform(stream, count + _ONE))
        u = _uniform(stream, count + np.uint64(2))
        count += np.uint64(3)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and np.log(u) < 0.5 * x * x + d - d * v + d * np.log(v):
            return d * v * lift, count


@kernel(types.uint64, types.float64, types.int64, output(types.boolean))
def draw_places(seed: np.uint64, share: float, offset: int, places: Mask) -> None:
    """Write which places explore."""
    for place in range(len(places)):
        places[place] = _uniform(_stream(seed, _PLACES, offset + place), _ONE) < share


@kernel(types.uint64, inputs(types.int64), output(types.float64))
def draw_numbers(seed: np.uint64, items: Items, draws: Doubles) -> None:
    """Write a uniform number for each item."""
    for i in range(len(items)):
        draws[i] = _uniform(_stream(seed, _ITEMS, items[i]), _ONE)


@kernel(
    types.uint64,
    inputs(types.int64),
    inputs(types.float32),
    inputs(types.float32),
    types.float64,
    types.float64,
    output(types.float64),
)
def draw_rates(
    seed: np.uint64,
    items: Items,
    clicks: Scores,
    impressions: Scores,
    prior_clicks: float,
    prior_impressions: float,
    draws: Doubles,
) -> None:
    """Write a rate for each item; what is beyond the ends of the counts was never shown."""
    for i in range(len(items)):
        chosen, ignored = prior_clicks, prior_impressions - prior_clicks
        if items[i] < len(clicks):
            clicked = np.float64(clicks[items[i]])
            chosen += clicked
            ignored += max(0.0, np.float64(impressions[items[i]]) - clicked)
        stream = _stream(seed, _ITEMS, items[i])
        a, count = _gamma(chosen, stream, _ONE)
        b, _ = _gamma(ignored, stream, count)
        draws[i] = a / (a + b) if a + b > 0.0 else 0.0
