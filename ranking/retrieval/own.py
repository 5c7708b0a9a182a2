"""A source of the user's own: a plain Python function, whose every answer is checked."""

from collections.abc import Callable
from typing import Any

import numpy as np

from features.types import Context, Mask
from ranking.plugins import plugin
from ranking.retrieval.found import Found
from ranking.snapshot import Snapshot

type SourceFunction = Callable[[Context, Snapshot, Mask, int], Any]
"""(context, snapshot, blocked, k) -> a `Found`, or (items, scores), best first."""


class OwnSource:
    """Ask ``function(context, snapshot, blocked, k)``; the mask that it gets is read-only."""

    def __init__(self, name: str, function: SourceFunction) -> None:
        self.name = name
        self._function = function

    @classmethod
    def load(cls, name: str, spec: str) -> OwnSource:
        """Import "module:function"; raise ValueError saying what is missing."""
        return cls(name, plugin(spec, "source"))

    def __call__(self, context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
        """Return what it offers; raise ValueError or TypeError where that is none."""
        read_only = blocked.view()
        read_only.flags.writeable = False
        return checked(self._function(context, snapshot, read_only, k), self.name, blocked, k)


def checked(offer: Any, name: str, blocked: Mask, k: int) -> Found:
    """Return an offer of the source ``name`` as int64[m] and float32[m].

    Raises:
        TypeError, ValueError: it is none; the message names the source, the fault and the remedy.
    """
    if isinstance(offer, Found):
        offer = offer.items, offer.scores
    if not isinstance(offer, tuple | list) or len(offer) != 2:
        raise TypeError(f"source {name!r} returned {type(offer).__name__}, not (items, scores)")
    try:
        items, scores = np.asarray(offer[0]), np.asarray(offer[1])
    except ValueError as fault:
        raise ValueError(f"source {name!r}: items and scores are no arrays: {fault}") from fault
    items = items if items.size else items.astype(np.int64)
    if items.dtype.kind not in "iu" or scores.dtype.kind not in "fiu":
        kinds = f"{items.dtype} and {scores.dtype}"
        raise TypeError(f"source {name!r} returned {kinds}; give ordinals, integers, and numbers")
    if items.ndim != 1 or items.shape != scores.shape:
        shapes = f"{items.shape} and {scores.shape}"
        raise ValueError(f"source {name!r} returned shapes {shapes}; give one score for each item")
    if len(items) > k:
        raise ValueError(f"source {name!r} offered {len(items)} items; give the best {k} at most")
    if len(items) and not 0 <= items.min() <= items.max() < len(blocked):
        raise ValueError(
            f"source {name!r} offered an item outside 0..{len(blocked) - 1}; "
            "use snapshot.catalogue.ordinals"
        )
    items = np.ascontiguousarray(items, np.int64)
    if blocked[items].any():
        raise ValueError(f"source {name!r} offered a blocked item; keep items[~blocked[items]]")
    if (np.diff(np.sort(items)) == 0).any():
        raise ValueError(f"source {name!r} offered an item twice; give each once")
    with np.errstate(over="ignore"):  # beyond float32 is infinite
        scores = np.ascontiguousarray(scores, np.float32)
    if not np.isfinite(scores).all():
        raise ValueError(f"source {name!r} gave a score that is not finite; give numbers")
    return Found(items, scores)
