"""What an event says, when it counts and for how much: docs/events.md as arithmetic."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from features.events import (
    BUCKET_MS,
    BUCKETS,
    MOST_AHEAD_MS,
    TYPES,
    Event,
    bucket_of,
    faults_of,
    increments,
    is_ahead,
)

NOW = 1_790_000_000_000
GOOD = Event("ann", "a", "click", NOW)


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_may_be_sent(kind: str) -> None:
    value = 4.0 if kind == "rating" else None
    assert faults_of(Event("ann", "a", kind, NOW, "e-1", "r-1", value)) == []


def test_a_custom_event_has_a_weight_and_a_name() -> None:
    event = Event("ann", "a", "custom", NOW, weight=2.5, name="shared")
    assert faults_of(event) == []
    assert increments(event) == [("w", 2500)]
    assert increments(replace(event, weight=None)) == [("w", 1000)]


@pytest.mark.parametrize(
    ("poison", "about"),
    [
        ({"user_id": ""}, "user_id"),
        ({"item_id": "a" * 129}, "item_id"),
        ({"item_id": "a\0b"}, "item_id"),
        ({"event_id": "e" * 129}, "event_id"),
        ({"event_id": ""}, "event_id"),
        ({"request_id": ""}, "request_id"),
        ({"type": "served"}, "type"),
        ({"timestamp_ms": -1}, "timestamp_ms"),
        ({"timestamp_ms": 2**53 + 1}, "timestamp_ms"),
        ({"type": "rating"}, "value"),
        ({"value": 3.0}, "value"),
        ({"type": "rating", "value": math.nan}, "value"),
        ({"weight": 2.0}, "weight"),
        ({"name": "shared"}, "name"),
        ({"type": "custom", "weight": -0.1}, "weight"),
        ({"type": "custom", "weight": math.inf}, "weight"),
        ({"type": "custom", "weight": math.nan}, "weight"),
    ],
)
def test_poison_is_refused_and_named(poison: dict[str, object], about: str) -> None:
    [fault] = faults_of(replace(GOOD, **poison))
    assert about in fault


def test_what_each_type_is_counted_for() -> None:
    counted = {kind: dict(increments(replace(GOOD, type=kind))) for kind in TYPES}
    assert counted == {
        "impression": {"i": 1},
        "view": {"w": 1000},
        "click": {"c": 1, "w": 2000},
        "purchase": {"w": 5000},
        "rating": {"w": 2000},
        "dislike": {},
        "custom": {"w": 1000},
    }


def test_an_event_counts_in_the_five_minutes_in_which_it_was() -> None:
    assert bucket_of(NOW - 10_000_000, NOW) == (NOW - 10_000_000) // 300_000


def test_an_event_of_a_day_ago_is_too_late_to_count() -> None:
    first = (NOW // BUCKET_MS - BUCKETS + 1) * BUCKET_MS
    assert bucket_of(first, NOW) is not None
    assert bucket_of(first - 1, NOW) is None


@given(st.integers(0, 2**53))
def test_nothing_counts_in_the_future_nor_a_day_ago(timestamp_ms: int) -> None:
    bucket = bucket_of(timestamp_ms, NOW)
    assert bucket is None or 0 <= NOW // BUCKET_MS - bucket < BUCKETS


def test_five_minutes_ahead_are_a_clients_clock_and_more_is_a_mistake() -> None:
    assert not is_ahead(NOW + MOST_AHEAD_MS, NOW)
    assert is_ahead(NOW + MOST_AHEAD_MS + 1, NOW)
