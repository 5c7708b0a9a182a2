"""Pins: items that stand at a place whatever their score, counted from the first page's top."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.types import Items, Mask, Query, Scores
from ranking.catalogue import Catalogue


class Pinned(NamedTuple):
    """The pins of one page.

    ``slate`` is int64[k], the candidate pinned to each of its places or -1. ``eligible`` is
    bool[n]: who may be on this page, pinned or not. ``relaxed`` names the pins that are not kept.
    """

    slate: NDArray[np.int64]
    eligible: Mask
    relaxed: tuple[str, ...]


def pins_of(query: Query, surface: Mapping[int, int], catalogue: Catalogue) -> dict[int, int]:
    """Return ordinals by place: the request's pins, then those of its surface that remain.

    Whoever retrieves adds these items to the candidates, unless they are blocked.
    """
    asked = {place: catalogue.ordinal(item_id) for place, item_id in query.pins.items()}
    pins = {place: item for place, item in asked.items() if item is not None}
    taken = set(pins.values())
    for place, item in surface.items():
        if place not in pins and item not in taken:
            pins[place] = item
    return pins


def pin(pins: Mapping[int, int], items: Items, scores: Scores, offset: int, limit: int) -> Pinned:
    """Set the pins into the page of ``limit`` places that begins at the place ``offset``.

    ``items`` int64[n] are the candidates and ``scores`` float32[n] theirs. What is pinned further
    down is not eligible for this page, nor is a score that is no finite number, unless it is
    pinned. A page with fewer eligible candidates than places is as long as those; what is pinned
    behind its end is its last.
    """
    eligible = np.isfinite(scores)
    places: dict[int, int] = {}
    relaxed = []
    for place, item in sorted(pins.items()):
        found = np.flatnonzero(items == item)
        if place >= offset + limit:
            eligible[found] = False
        elif place >= offset and len(found):
            places[place] = int(found[0])
        elif place >= offset:
            relaxed.append(f"pin {place}")
    eligible[list(places.values())] = True
    k = min(limit, int(np.count_nonzero(eligible)))
    slate = np.full(k, -1, np.int64)
    for place, candidate in places.items():
        if place - offset < k:
            slate[place - offset] = candidate
    for place, candidate in reversed(places.items()):
        if place - offset >= k:
            slate[np.flatnonzero(slate < 0)[-1]] = candidate
            relaxed.append(f"pin {place}")
    return Pinned(slate, eligible, tuple(relaxed))
