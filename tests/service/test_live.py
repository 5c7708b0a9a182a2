"""Live counts on each replica: exactly once, the same everywhere, through faults of the store."""

import asyncio
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from redis import Redis, RedisCluster

from features import keys
from features.address import Address
from features.append import APPEND_SCRIPT, append_arguments
from features.events import BUCKET_MS, Event
from features.store import FeatureStore
from features.types import Live
from ranking.catalogue import Catalogue
from service.embedded import EmbeddedValkey
from service.live.feed import EventsMissed, Feed
from service.live.pulse import Pulse
from tests.features.shelves import until
from tests.stores import new_store

ITEMS = tuple(f"i{number}" for number in range(20))
CATALOGUE = Catalogue(ITEMS, ({},) * len(ITEMS))
ANOTHER = Catalogue(("unseen", *ITEMS[:10:-1]), ({},) * 10)


@pytest.fixture
def frail() -> Iterator[EmbeddedValkey]:
    """A server of the test's own, to stop, freeze and kill."""
    with EmbeddedValkey() as valkey:
        yield valkey


def now() -> int:
    return time.time_ns() // 1_000_000


def click(user: str, item: str, at: int | None = None) -> Event:
    return Event(user, item, "click", now() if at is None else at)


def append(url: str, *batches: Sequence[Event]) -> None:
    async def main() -> None:
        store = FeatureStore(Address.parse(url), 10.0, 100)
        await store.open()
        try:
            for batch in batches:
                await store.append_events(batch)
        finally:
            await store.close()

    asyncio.run(main())


@contextmanager
def beating(url: str) -> Iterator[Pulse]:
    pulse = Pulse(url)
    pulse.start()
    try:
        yield pulse
    finally:
        pulse.stop()


def clicks(pulse: Pulse, catalogue: Catalogue = CATALOGUE) -> dict[str, int]:
    """Return the day's clicks of the items that have any."""
    live = pulse.view(catalogue)
    if live is None:
        return {}
    counted = live.clicks[1].tolist()
    return {catalogue.ids[item]: int(count) for item, count in enumerate(counted) if count}


def as_bytes(live: Live | None) -> list[bytes]:
    assert live is not None
    arrays = (live.impressions, live.clicks, live.trend, live.trending)
    return [array.tobytes() for array in arrays]


def draw(seed: int, count: int) -> list[Event]:
    rng = random.Random(seed)
    kinds = ["impression", "click", "purchase", "view", "dislike", "rating"]
    return [
        Event(
            f"u{rng.randrange(300)}",
            rng.choice(ITEMS),
            rng.choice(kinds),
            now() - rng.choice([0, 20 * 60_000, 5 * 3_600_000, 30 * 3_600_000]),
            f"e{seed}-{number}",
        )
        for number in range(count)
    ]


def test_events_before_and_after_the_start_are_counted_each_once(client: Redis) -> None:
    url = address_of(client)
    append(url, [click(f"u{n}", "i1") for n in range(10)])
    with beating(url) as pulse:
        until(lambda: clicks(pulse) == {"i1": 10})
        append(url, [click(f"u{n}", "i1") for n in range(5)], [click("u1", "i2")])
        until(lambda: clicks(pulse) == {"i1": 15, "i2": 1})
        assert (pulse.events, pulse.loads, pulse.missed) == (6, 1, 0)
        assert pulse.lag.count() == 6


def address_of(client: Redis | RedisCluster) -> str:
    if isinstance(client, RedisCluster):
        return "redis+cluster://" + ",".join(node.name for node in client.get_primaries())  # type: ignore[no-untyped-call]  # redis-py's
    return f"unix://{client.connection_pool.connection_kwargs['path']}"


def test_click_through_rate_is_counted_in_real_time(client: Redis) -> None:
    """Impressions and clicks over windows, while they come."""
    url = address_of(client)
    with beating(url) as pulse:
        until(lambda: pulse.view(CATALOGUE) is not None)
        shown = [Event(f"u{n}", "i3", "impression", now()) for n in range(40)]
        earlier = [Event("u", "i3", "impression", now() - 2 * 3_600_000) for _ in range(7)]
        append(url, shown, earlier, [click(f"u{n}", "i3") for n in range(10)])

        def rates() -> list[list[float]]:
            live = pulse.view(CATALOGUE)
            assert live is not None
            return [live.impressions[:, 3].tolist(), live.clicks[:, 3].tolist()]

        until(lambda: rates() == [[40, 47], [10, 10]])


def test_replicas_agree_to_the_bit_whenever_they_began(client: Redis) -> None:
    url = address_of(client)
    with beating(url) as first:
        until(lambda: first.loads == 1)
        events = draw(1, 1500)
        append(url, *(events[start : start + 50] for start in range(0, 1000, 50)))
        with beating(url) as second:
            until(lambda: second.loads == 1)
            append(url, *(events[start : start + 50] for start in range(1000, 1500, 50)))
            until(lambda: first.events == 1500)
            bucket = now() // BUCKET_MS
            whole = Feed(client).load(bucket).tally()
            expected = sum(whole.impressions[1]), sum(whole.clicks[1]), sum(whole.trend)

            def settled(pulse: Pulse) -> bool:
                live = pulse.view(CATALOGUE)
                assert live is not None
                return (live.impressions[1].sum(), live.clicks[1].sum()) == expected[:2]

            until(lambda: settled(first) and settled(second))
            time.sleep(0.5)  # what is left to publish is published
            with beating(url) as third:
                until(lambda: third.loads == 1 and third.view(CATALOGUE) is not None)
                views = [as_bytes(pulse.view(CATALOGUE)) for pulse in (first, second, third)]
            assert now() // BUCKET_MS != bucket or views[0] == views[1] == views[2]


def test_the_counts_are_a_plain_recount_of_the_events(client: Redis) -> None:
    url = address_of(client)
    events = draw(2, 800)
    with beating(url) as pulse:
        append(url, *(events[start : start + 40] for start in range(0, 800, 40)))
        append(url, events[:100], events[500:700])  # once more, which changes nothing
        day = now() - 24 * 3_600_000
        expected = Counter(
            event.item_id for event in events if event.type == "click" and event.timestamp_ms > day
        )
        until(lambda: clicks(pulse) == expected)


def test_no_store_is_no_counts_until_it_is_there() -> None:
    valkey = new_store()
    with beating(valkey.url) as pulse:
        time.sleep(0.2)
        assert pulse.view(CATALOGUE) is None
        assert not pulse.connected
        with valkey:
            append(valkey.url, [click("ann", "i4")])
            until(lambda: clicks(pulse) == {"i4": 1})
            assert pulse.connected
        until(lambda: not pulse.connected)
        assert clicks(pulse) == {"i4": 1}  # what was known last


def test_a_killed_and_restarted_store_is_followed_again(frail: EmbeddedValkey) -> None:
    append(frail.url, [click(f"u{n}", "i1") for n in range(9)])
    with beating(frail.url) as pulse:
        until(lambda: clicks(pulse) == {"i1": 9})
        os.kill(frail.pid, signal.SIGKILL)
        until(lambda: not pulse.connected)
        frail.start()  # and it remembers nothing
        append(frail.url, [click("ann", "i2")])
        until(lambda: clicks(pulse) == {"i2": 1})
        append(frail.url, [click("bob", "i2")])
        until(lambda: clicks(pulse) == {"i2": 2})


def test_a_frozen_store_is_followed_again_once_it_thaws(frail: EmbeddedValkey) -> None:
    with beating(frail.url) as pulse:
        until(lambda: pulse.connected)
        append(frail.url, [click("ann", "i1")])
        pid = frail.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            until(lambda: not pulse.connected)
        finally:
            os.kill(pid, signal.SIGCONT)
        append(frail.url, [click("bob", "i1")])
        until(lambda: clicks(pulse) == {"i1": 2})


def append_and_trim(client: Redis, events: Sequence[Event], left: int) -> None:
    """Have a stream lose events before anybody can have read them."""
    user = events[0].user_id
    names, arguments = append_arguments(user, events, now(), 100, 100)
    with client.pipeline(transaction=True) as step:
        step.execute_command("EVAL", APPEND_SCRIPT, len(names), *names, *arguments)  # type: ignore[no-untyped-call]  # redis-py's
        step.xtrim(keys.events(keys.partition(user)), maxlen=left, approximate=False)
        step.execute()


@pytest.mark.parametrize("left", [1, 2])
def test_a_trimmed_stream_is_noticed_and_its_counts_are_loaded(client: Redis, left: int) -> None:
    with beating(address_of(client)) as pulse:
        until(lambda: pulse.loads == 1)
        append_and_trim(client, [click("ann", "i1") for _ in range(5)], left)
        until(lambda: clicks(pulse) == {"i1": 5})
        assert (pulse.missed, pulse.loads) == (1, 2)


def test_a_stream_trimmed_to_nothing_is_noticed_at_the_next_event(client: Redis) -> None:
    with beating(address_of(client)) as pulse:
        until(lambda: pulse.loads == 1)
        append_and_trim(client, [click("ann", "i1") for _ in range(5)], 0)
        append(address_of(client), [click("ann", "i1")])
        until(lambda: clicks(pulse) == {"i1": 6})
        assert pulse.missed == 1


def test_an_emptied_store_is_noticed_at_the_next_event_of_a_partition(client: Redis) -> None:
    url = address_of(client)
    with beating(url) as pulse:
        append(url, [click("ann", "i1") for _ in range(5)])
        until(lambda: clicks(pulse) == {"i1": 5})
        client.flushall()
        append(url, [click("ann", "i2")])
        until(lambda: clicks(pulse) == {"i2": 1})


def test_a_feed_says_what_it_missed(client: Redis) -> None:
    feed = Feed(client)
    feed.load(now() // BUCKET_MS)
    append_and_trim(client, [click("ann", "i1") for _ in range(3)], 1)
    with pytest.raises(EventsMissed, match="expected 1"):
        feed.follow(1000)


def test_a_foreign_entry_in_a_stream_is_survived(client: Redis) -> None:
    url = address_of(client)
    with beating(url) as pulse:
        until(lambda: pulse.loads == 1)
        name = keys.events(keys.partition("ann"))
        client.xadd(name, {"number": "1", "arrived_us": "soon", "event": "{"})
        client.hset(keys.counts(3, now() // BUCKET_MS), mapping={"": 1, "x": 1, "zi1": 7, "c": 2})
        until(lambda: pulse.loads == 2)
        append(url, [click("ann", "i1")])
        until(lambda: clicks(pulse) == {"i1": 1})


def test_a_catalogue_gets_the_counts_of_its_own_items_by_its_own_ordinals(client: Redis) -> None:
    url = address_of(client)
    with beating(url) as pulse:
        append(url, [click("ann", item) for item in ("i1", "i15", "nowhere", "i19", "i19")])
        until(lambda: clicks(pulse) == {"i1": 1, "i15": 1, "i19": 2})
        assert clicks(pulse, ANOTHER) == {"i15": 1, "i19": 2}
        live = pulse.view(ANOTHER)
        assert live is not None
        assert live.trend.shape == (len(ANOTHER),)
        assert [ANOTHER.ids[item] for item in live.trending.tolist()] == ["i19", "i15"]


def test_views_are_whole_and_never_change_while_others_are_published(client: Redis) -> None:
    """Each step clicks eight items once, so in every view the eight are level."""
    url, ended, faults = address_of(client), threading.Event(), list[str]()
    level = ITEMS[:8]
    start = threading.Barrier(5)
    with beating(url) as pulse:
        until(lambda: pulse.view(CATALOGUE) is not None)

        def look(catalogue: Catalogue) -> None:
            mine = np.array([catalogue.ordinal(item) for item in level])
            start.wait()
            before = 0.0
            while not ended.is_set():
                live = pulse.view(catalogue)
                assert live is not None
                copy = as_bytes(live)
                found = np.unique(live.clicks[:, mine])
                if len(found) != 1 or found[0] < before or as_bytes(live) != copy:
                    faults.append(str(live.clicks[:, mine]))
                before = found[0]

        wider = Catalogue(("first", *reversed(ITEMS)), ({},) * (len(ITEMS) + 1))
        readers = [
            threading.Thread(target=look, args=(catalogue,))
            for catalogue in (CATALOGUE, wider, CATALOGUE, wider)
        ]
        for reader in readers:
            reader.start()
        start.wait()
        step = [click("ann", item) for item in level]
        append(url, *([step] * 300))
        until(lambda: clicks(pulse) == dict.fromkeys(level, 300))
        ended.set()
        for reader in readers:
            reader.join()
    assert faults == []


def test_publication_is_announced_and_a_fault_of_the_listener_is_survived(client: Redis) -> None:
    url, told = address_of(client), list[dict[str, int]]()

    def publish() -> None:
        told.append(clicks(pulse))
        if len(told) == 1:
            raise RuntimeError("not yet")

    pulse = Pulse(url, publish)
    pulse.start()
    append(url, *([click("ann", "i1")] for _ in range(50)))
    until(lambda: told[-1:] == [{"i1": 50}])
    pulse.stop()
    assert len(told) < 20  # not for each event


def test_a_pulse_that_was_never_started_can_be_stopped() -> None:
    Pulse("unix:///nowhere").stop()
