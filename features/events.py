"""One thing a user did: what it says, when it counts, and for how much. See docs/events.md."""

from math import isfinite
from typing import Final, Literal, get_args

import msgspec

type EventType = Literal["impression", "view", "click", "purchase", "rating", "dislike", "custom"]

TYPES: Final[tuple[str, ...]] = get_args(EventType.__value__)

BUCKET_MS: Final = 300_000
"""Events are counted in buckets of five minutes."""
BUCKETS: Final = 288
"""A day of them is counted: the current one and those before it."""
MOST_AHEAD_MS: Final = 300_000
"""A timestamp may be so far ahead of the arrival: the clocks of clients differ."""
LONGEST_ID: Final = 128
LATEST_TIMESTAMP_MS: Final = 2**53
LARGEST_WEIGHT: Final = 1000.0

WEIGHTS: Final = {"view": 1.0, "click": 2.0, "purchase": 5.0, "rating": 2.0, "custom": 1.0}
"""What an event adds to its item's trend; the other types add nothing."""
WEIGHT_UNIT: Final = 1e-3
"""Trends are counted in thousandths: sums of integers do not depend on their order."""

IMPRESSION, CLICK, TREND = "icw"
"""The kinds of counts: how often shown, how often clicked, and the weights, in `WEIGHT_UNIT`s."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """An interaction: ``timestamp_ms`` is milliseconds since the epoch.

    ``event_id`` makes repeating it safe; ``request_id`` says which answer brought it about.
    ``value`` is a rating's; ``weight`` and ``name`` are a custom event's.
    """

    user_id: str
    item_id: str
    type: str
    timestamp_ms: int
    event_id: str | None = None
    request_id: str | None = None
    value: float | None = None
    weight: float | None = None
    name: str | None = None


class Recorded(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event as the stream keeps it, with the bucket in which it was counted, if it was."""

    event: Event
    bucket: int | None = None


def faults_of(event: Event) -> list[str]:
    """Return what is wrong with an event, nothing where it may be stored."""
    faults: list[str] = []
    for field in ("user_id", "item_id", "event_id", "request_id", "name"):
        text = getattr(event, field)
        if text is not None and (not 0 < len(text) <= LONGEST_ID or "\0" in text):
            faults.append(f"`{field}` has 1 to {LONGEST_ID} characters, none of them NUL")
    if event.type not in TYPES:
        faults.append(f"`type` is one of {', '.join(TYPES)}")
    if not 0 <= event.timestamp_ms <= LATEST_TIMESTAMP_MS:
        faults.append("`timestamp_ms` is milliseconds since 1970")
    if (event.value is not None) != (event.type == "rating"):
        faults.append("a rating, and nothing else, has a `value`")
    if event.value is not None and not isfinite(event.value):
        faults.append("`value` is a finite number")
    if event.weight is not None and not 0 <= event.weight <= LARGEST_WEIGHT:
        faults.append(f"`weight` is a number from 0 to {LARGEST_WEIGHT:g}")
    if event.type != "custom" and (event.weight is not None or event.name is not None):
        faults.append("only a custom event has a `weight` or a `name`")
    return faults


def is_ahead(timestamp_ms: int, arrived_ms: int) -> bool:
    """Tell whether a timestamp is so far in the future that the arrival stands in for it."""
    return timestamp_ms > arrived_ms + MOST_AHEAD_MS


def bucket_of(timestamp_ms: int, arrived_ms: int) -> int | None:
    """Return the bucket in which an event counts; None where it comes too late to be counted.

    What claims to be of the future counts now.
    """
    bucket = min(timestamp_ms, arrived_ms) // BUCKET_MS
    return bucket if bucket > arrived_ms // BUCKET_MS - BUCKETS else None


def increments(event: Event) -> list[tuple[str, int]]:
    """Return what an event adds to the counts of its item: kinds and integers, two at most."""
    if event.type == "impression":
        return [(IMPRESSION, 1)]
    weight = WEIGHTS.get(event.type, 0.0) if event.weight is None else event.weight
    found = [(TREND, amount)] if (amount := round(weight / WEIGHT_UNIT)) else []
    return [(CLICK, 1), *found] if event.type == "click" else found
