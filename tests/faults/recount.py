"""Events drawn at random, and a plain recount of them that knows neither Redis nor repeats."""

import random
from collections import Counter
from collections.abc import Sequence

from redis import Redis

from features import keys
from features.events import BUCKET_MS, Event
from service.live.feed import Feed

HOUR_MS = 3_600_000

type Counted = dict[tuple[str, str, int], int]
"""How many of a type, of an item, in a window: 0 is the last hour, 1 the last day."""


def draw(rng: random.Random, count: int, at: int, prefix: str = "e") -> list[Event]:
    """Draw events at ages that no test crosses a window's end with: late and future ones, too."""
    ages = [2 * 60_000, 30 * 60_000, 3 * HOUR_MS, 20 * HOUR_MS, 3 * 24 * HOUR_MS, -5 * HOUR_MS]
    kinds = ["impression", "impression", "click", "purchase", "dislike", "view"]
    return [
        Event(
            f"u{rng.randrange(200)}",
            f"i{rng.randrange(30)}",
            rng.choice(kinds),
            at - rng.choice(ages),
            f"{prefix}-{number}",
        )
        for number in range(count)
    ]


def batched(rng: random.Random, distinct: Sequence[Event]) -> list[list[Event]]:
    """Cut them into batches, each with repeats of some that came before, in any order."""
    batches, rest = list[list[Event]](), list(distinct[::-1])
    while rest:
        batch = [rest.pop() for _ in range(min(len(rest), rng.randrange(1, 60)))]
        again = rng.choices(distinct[: len(distinct) - len(rest)], k=rng.randrange(20))
        batches.append(rng.sample([*batch, *again], len(batch) + len(again)))
    return batches


def recount(distinct: Sequence[Event], at: int) -> Counted:
    """Return what is to be counted: every event once."""
    expected = Counter[tuple[str, str, int]]()
    for event in distinct:
        age_ms = max(at - event.timestamp_ms, 0)
        if age_ms < 24 * HOUR_MS and event.type in {"impression", "click"}:
            for window in (0, 1) if age_ms < HOUR_MS else (1,):
                expected[event.type, event.item_id, window] += 1
    return dict(expected)


def counted(client: Redis, now_ms: int) -> Counted:
    """Return what the store has counted, as a replica that starts reads it."""
    tally = Feed(client).load(now_ms // BUCKET_MS).tally()
    return {
        (kind, item, window): int(table[window, column])
        for kind, table in (("impression", tally.impressions), ("click", tally.clicks))
        for window in (0, 1)
        for column, item in enumerate(tally.item_ids)
        if table[window, column]
    }


def total(client: Redis) -> int:
    """Return how many events the store ever took."""
    return sum(int(client.get(keys.serial(number)) or 0) for number in range(keys.PARTITIONS))
