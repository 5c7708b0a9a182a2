"""R7: writers and stores killed in the midst of a batch; events twice, late, and poisoned."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from features import keys
from features.events import Event
from service.app import Service
from service.running import running
from service.settings import Settings
from tests.faults.durable import Durable
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.recount import batched, counted, draw, recount, total
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client
from tests.stores import Store, new_store, redis_of


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def frail() -> Iterator[Store]:
    """A store of this test's own."""
    with new_store() as valkey:
        yield valkey


@pytest.mark.fault("R7", "event writers are killed in the midst of batches, with repeats")
def test_events_replayed_by_killed_writers_are_counted_exactly_once(
    frail: Store, tmp_path: Path, figures: Figures, length: Length
) -> None:
    rng, at = random.Random(3), now()
    distinct = draw(rng, length.pick(short=4000, ci=20_000, full=200_000), at)
    batches = batched(rng, distinct)
    path = tmp_path / "batches.json"
    path.write_bytes(msgspec.json.encode(batches))
    wanted = length.pick(short=3, ci=15, full=100)
    confirmed, kills = -1, 0
    while confirmed < len(batches) - 1:
        command = [sys.executable, "-m", "tests.features.writer", frail.url, str(path)]
        with subprocess.Popen(
            [*command, str(confirmed + 1)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            # Killed when it has confirmed some: the batch after them is anywhere by then.
            ending = (confirmed + 1 + len(batches) // (wanted + 1)) if kills < wanted else 10**9
            for line in writer.stdout:
                confirmed = int(line)
                if confirmed >= ending:
                    time.sleep(rng.random() / 500)
                    writer.kill()
                    kills += 1
                    break
    figures.note("events, each sent once or more", len(distinct))
    figures.hold("writers killed", kills, at_least=wanted)
    with redis_of(frail.url) as client:
        figures.hold("events stored", total(client), equal=len(distinct))
        assert counted(client, now()) == recount(distinct, at)


@pytest.mark.fault("R7", "Redis is killed in the midst of batches, with an append-only file")
@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_what_was_acknowledged_outlives_the_store_that_took_it(
    artifacts: Path, tmp_path: Path, fsync: str, figures: Figures, length: Length
) -> None:
    """Clients repeat what was not acknowledged and forget what was: nobody repairs a loss."""
    rng, at = random.Random(5), now()
    clients, kills = 3, length.pick(short=2, ci=10, full=60)
    sent = [list[Event]() for _ in range(clients)]
    ended, faults = threading.Event(), list[str]()
    refused = [0] * clients

    def write(number: int, url: str) -> None:
        mine, turn = random.Random(number), 0
        with closing(Client(url)) as client:
            while not ended.is_set():
                batch = draw(mine, 20, at, f"{number}-{turn}")
                body = {"events": [msgspec.to_builtins(event) for event in batch]}
                while (reply := client.post("/v1/events", body)).status == 503:
                    refused[number] += 1
                    time.sleep(0.01)
                if reply.status != 200:
                    faults.append(f"{reply.status}: {reply.body!r}")
                    return
                sent[number] += batch
                turn += 1

    with Durable(tmp_path, fsync=fsync) as store:
        settings = Settings(artifact=artifacts, redis=store.url, port=0)
        with running(settings, QUIET) as service:
            threads = [
                threading.Thread(target=write, args=(n, service.url)) for n in range(clients)
            ]
            for thread in threads:
                thread.start()
            for _ in range(kills):
                time.sleep(rng.uniform(0.2, 0.6))
                store.kill()
                time.sleep(rng.uniform(0, 0.2))
                store.start()
            time.sleep(0.5)
            ended.set()
            for thread in threads:
                thread.join()
        assert not faults
        distinct = [event for mine in sent for event in mine]
        figures.note("events acknowledged", len(distinct))
        figures.note("batches refused with 503 and repeated", sum(refused))
        with redis_of(store.url) as client:
            stored = total(client)
            if fsync == "everysec":  # it promises to lose no more than the last two seconds
                figures.note("acknowledged, and lost by Redis", len(distinct) - stored)
                return
            figures.hold("events stored", stored, equal=len(distinct))
            assert counted(client, now()) == recount(distinct, at)


POISON = [
    {"user_id": "", "item_id": "50"},
    {"user_id": "a", "item_id": "x" * 129},
    {"user_id": "a", "item_id": "nul\u0000"},
    {"user_id": "a", "item_id": "50", "type": "unheard-of"},
    {"user_id": "a", "item_id": "50", "timestamp_ms": -1},
    {"user_id": "a", "item_id": "50", "timestamp_ms": 2**60},
    {"user_id": "a", "item_id": "50", "type": "rating"},
    {"user_id": "a", "item_id": "50", "type": "custom", "weight": 1e9},
    {"user_id": "a", "item_id": "50", "sent_by": "nobody"},
    "no event at all",
]


@pytest.fixture
def service(artifacts: Path, frail: Store) -> Iterator[Service]:
    with running(Settings(artifact=artifacts, redis=frail.url, port=0), QUIET) as service:
        yield service


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    client = Client(service.url)
    yield client
    client.close()


@pytest.mark.fault("R7", "duplicate, late, future and poisoned events among good ones")
def test_poison_is_set_aside_and_the_good_are_counted_once(
    client: Client, frail: Store, figures: Figures
) -> None:
    rng, at = random.Random(7), now()
    distinct, refused = draw(rng, 600, at), 0
    for batch in batched(rng, distinct):
        good = [msgspec.to_builtins(event) for event in batch]
        poison = [*good, rng.choice(POISON)]
        reply = client.post("/v1/events", {"events": rng.sample(poison, len(poison))})
        assert reply.status in (400, 422), reply.body
        assert "$.events[" in reply.json["path"], "it says which one"
        refused += 1
        assert client.post("/v1/events", {"events": good}).status == 200
    figures.note("batches refused for one poisoned event", refused)
    with redis_of(frail.url) as store:
        figures.hold("events stored", total(store), equal=len(distinct))
        assert counted(store, now()) == recount(distinct, at)


JUNK = [
    {"number": "no number", "arrived_us": "0", "event": "{}"},
    {"event": b"\xff\xfe no JSON"},
    {"nothing": "of ours"},
]


@pytest.mark.fault("R7", "somebody else writes junk where the events are kept")
@pytest.mark.parametrize("where", ["stream", "event", "counts", "history"])
def test_junk_in_the_store_blocks_nobody(
    service: Service, client: Client, frail: Store, where: str, figures: Figures
) -> None:
    number = keys.partition("196")
    with redis_of(frail.url) as store:
        until(lambda: followed(client))
        match where:
            case "stream":
                for fields in JUNK:
                    store.xadd(keys.events(number), fields)
            case "event":
                junk = {"number": store.incr(keys.serial(number)), "arrived_us": 0, "event": "x"}
                store.xadd(keys.events(number), junk)
            case "counts":
                store.hset(keys.counts(number, now() // 300_000), "i50", "many")
                store.hset(keys.counts(number, now() // 300_000), "?", "7")
                store.xtrim(keys.events(number), 0)
                store.incr(keys.serial(number))  # so that the counts are read anew
            case "history":
                store.rpush(keys.user_history("196"), b"\xff\x00", b"", b"1:", b"x:y:z:w")
        began = time.monotonic()
        event = {"user_id": "196", "item_id": "181", "type": "click"}
        assert client.post("/v1/events", {"events": [event]}).status == 200
        reply = client.recommend(user_id="196", limit=10, deadline_ms=10_000)
        assert len(reply.ids) == 10
        until(lambda: counted_here(service, client) >= 1)
        figures.hold(
            f"junk in {where}: counted after", time.monotonic() - began, at_most=2.0, unit="s"
        )


def followed(client: Client) -> bool:
    """Tell whether the replica follows the events."""
    return b"\nbraid_events_connected 1.0" in client.get("/metrics").body


def counted_here(service: Service, client: Client) -> int:
    """Return how often item 181 was clicked in the last hour, as requests see it."""
    live = service.state.read().live
    if live is None:
        return 0
    return int(live.clicks[0, service.state.read().snapshot.catalogue.ordinals(["181"])[0]])
