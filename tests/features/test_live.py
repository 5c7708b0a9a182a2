"""Counts in sliding windows, beside a plain recount of the same events."""

import random
from collections import defaultdict

import numpy as np
import pytest

from features.events import BUCKETS, TYPES, WEIGHTS, Event, increments
from features.live import HALF_LIFE_S, KINDS, WINDOWS_S, Counts, Tally, live_of

NOW = 6_000_000
HOUR = 12  # buckets

type Counted = tuple[int, str, str, int]
"""Bucket, kind, item, amount."""


def tallied(counted: list[Counted], now: int = NOW) -> Tally:
    counts = Counts(now)
    for one in counted:
        counts.add(*one)
    return counts.tally()


def by_item(tally: Tally) -> dict[str, list[float]]:
    """Return impressions, clicks (an hour, a day) and trend of each item that has any."""
    rows = np.vstack([tally.impressions, tally.clicks, tally.trend]).T.tolist()
    return {item: row for item, row in zip(tally.item_ids, rows, strict=True) if any(row)}


def recounted(counted: list[Counted], now: int = NOW) -> dict[str, list[float]]:
    """Count the plain way."""
    found: dict[str, list[float]] = defaultdict(lambda: [0.0] * 5)
    for bucket, kind, item, amount in counted:
        age = now - bucket
        for place, span in enumerate((HOUR, BUCKETS)):
            if kind != "w" and 0 <= age < span:
                found[item]["ic".index(kind) * 2 + place] += amount
        if kind == "w" and 0 <= age < BUCKETS:
            found[item][4] += amount / 1000 * 0.5 ** (age * 300 / HALF_LIFE_S)
    return dict(found)


def draw(rng: random.Random, count: int, first: int, last: int) -> list[Counted]:
    found = []
    for _ in range(count):
        kind = rng.choice(KINDS)
        amount = rng.randrange(500, 5000) if kind == "w" else 1
        found.append((rng.randint(first, last), kind, f"i{rng.randrange(40)}", amount))
    return found


def agree(tally: Tally, expected: dict[str, list[float]]) -> None:
    found = by_item(tally)
    for item, row in expected.items():
        assert found.get(item, [0.0] * 5)[:4] == row[:4]
        assert found.get(item, [0.0] * 5)[4] == pytest.approx(row[4], rel=1e-4, abs=0.01)
    assert set(found) <= set(expected)


@pytest.mark.parametrize("seed", range(5))
def test_windowed_counters_equal_a_plain_recount_while_time_goes_on(seed: int) -> None:
    rng = random.Random(seed)
    counts, now, counted = Counts(NOW), NOW, list[Counted]()
    for _ in range(60):
        more = draw(rng, 30, now - BUCKETS - 5, now + 2)
        counted += more
        for one in more:
            counts.add(*one)
        if rng.random() < 0.7:
            now += rng.choice([1, 1, 2, 11, 12, 13, 40])
            counts.advance(now)
        agree(counts.tally(), recounted(counted, now))


def test_neither_order_nor_summing_up_nor_the_way_there_changes_a_bit() -> None:
    counted = draw(random.Random(7), 2000, NOW - BUCKETS + 20, NOW)
    there = Counts(NOW - 20)
    for place, one in enumerate(counted):
        if place % 100 == 0:
            there.advance(NOW - 20 + place // 100)
        there.add(*one)
    there.advance(NOW)
    summed: dict[tuple[int, str, str], int] = defaultdict(int)
    for bucket, kind, item, amount in counted:
        summed[bucket, kind, item] += amount
    at_once = tallied([(*key, amount) for key, amount in sorted(summed.items())])
    assert by_item(there.tally()) == by_item(tallied(counted[::-1])) == by_item(at_once)


def test_counts_leave_the_hour_before_they_leave_the_day() -> None:
    counts = Counts(NOW)
    counts.add(NOW, "c", "a", 3)
    seen = []
    for step in (0, HOUR - 1, HOUR, BUCKETS - 1, BUCKETS):
        counts.advance(NOW + step)
        seen.append(by_item(counts.tally()).get("a", [0.0] * 5)[2:4])
    assert seen == [[3, 3], [3, 3], [0, 3], [0, 3], [0, 0]]
    assert WINDOWS_S == (HOUR * 300, BUCKETS * 300)


def test_trending_is_time_decayed_by_half_in_an_hour() -> None:
    counts = Counts(NOW)
    counts.add(NOW, "w", "a", 8000)
    trends = []
    for hours in range(4):
        counts.advance(NOW + hours * HOUR)
        trends.append(float(counts.tally().trend[0]))
    assert trends == [8, 4, 2, 1]


def test_an_item_that_nobody_counts_any_more_is_forgotten() -> None:
    counts = Counts(NOW)
    for number in range(5000):
        counts.add(NOW, "i", f"i{number}", 1)
    counts.add(NOW + 1, "i", "stays", 1)
    assert len(counts.tally().item_ids) == 5001
    assert counts.advance(NOW + BUCKETS)
    assert counts.tally().item_ids == ("stays",)


def test_what_is_ahead_waits_for_its_time() -> None:
    counts = Counts(NOW)
    counts.add(NOW + 1, "c", "a", 1)
    assert by_item(counts.tally()) == {}
    counts.advance(NOW + 1)
    assert by_item(counts.tally()) == {"a": [0, 0, 1, 1, 0]}


def test_a_published_tally_never_changes() -> None:
    counts = Counts(NOW)
    counts.add(NOW, "c", "a", 1)
    tally = counts.tally()
    before = by_item(tally)
    for _ in range(100):
        counts.add(NOW, "c", "a", 1)
    counts.advance(NOW + 1)
    assert by_item(tally) == before


def test_live_counts_stand_at_their_items_in_the_catalogue() -> None:
    counted = [
        (NOW, "i", "gone", 9),
        (NOW, "w", "b", 1000),
        (NOW, "c", "a", 1),
        (NOW, "w", "c", 3000),
        (NOW, "w", "gone", 9000),
        (NOW, "w", "d", 1000),
    ]
    ordinals = {"a": 0, "b": 4, "c": 2, "d": 1}
    tally = tallied(counted)
    known = [(ordinals[item], at) for at, item in enumerate(tally.item_ids) if item in ordinals]
    items, places = np.array(known).T
    live = live_of(tally, items, places, 6)
    assert live.clicks.tolist() == [[1, 0, 0, 0, 0, 0]] * 2
    assert not live.impressions.any()
    assert live.trend.tolist() == [0, 1, 3, 0, 1, 0]
    assert live.trending.tolist() == [2, 1, 4]  # the highest first, equal ones by ordinal
    arrays = (live.impressions, live.clicks, live.trend, live.trending)
    assert not any(array.flags.writeable for array in arrays)


def test_every_weight_is_counted_in_whole_thousandths() -> None:
    for kind in TYPES:
        for _, amount in increments(Event("ann", "a", kind, 0)):
            assert amount in (1, round(1000 * WEIGHTS.get(kind, 0)))
