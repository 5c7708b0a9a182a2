"""R6: a cluster whose masters die and whose slots move, under a service that goes on."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from features import keys
from features.address import Address
from features.bulk import write_items
from features.client import connect
from features.errors import StoreUnavailable
from features.events import Event
from features.item_table import ItemTable
from ranking.artifact import read_store
from service.app import Service
from service.load import load
from service.running import running
from service.settings import Settings
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.load import Load, late, quantile_ms
from tests.features.cluster import LocalCluster
from tests.features.dropped import UNCLOSED
from tests.features.schemas import ITEM, USER, draw
from tests.features.shelves import until
from tests.features.test_store import opened
from tests.service.conftest import QUIET, Client

pytestmark = UNCLOSED

ASKED = {"user_id": "196", "limit": 10, "deadline_ms": 10_000, "seed": 7}
IDS = [f"item-{number}" for number in range(400)]
USERS = [f"user-{number}" for number in range(30)]


@pytest.fixture
def cluster(artifacts: Path) -> Iterator[LocalCluster]:
    with LocalCluster(3, 1) as cluster:
        with connect(cluster.url) as client:
            load(client, read_store(next(artifacts.iterdir())), 1000, lambda *_: None)
        until(cluster.is_whole)
        yield cluster


@pytest.fixture
def service(artifacts: Path, cluster: LocalCluster) -> Iterator[Service]:
    # No near cache: every request reads rows of every node.
    settings = Settings(artifact=artifacts, redis=cluster.url, port=0, near_cache_mib=0)
    with running(settings, QUIET) as service:
        yield service


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    client = Client(service.url)
    yield client
    client.close()


@pytest.mark.fault("R6", "a cluster's master is killed under load")
def test_a_dead_master_costs_its_rows_until_its_replica_has_them(
    service: Service, client: Client, cluster: LocalCluster, figures: Figures, length: Length
) -> None:
    until(lambda: client.recommend(**ASKED).json["degraded"] == [])
    before = client.recommend(**ASKED).ids
    with Load(service.url) as clients:
        time.sleep(0.5)
        killed = time.monotonic()
        cluster.kill(cluster.nodes[0])
        until(lambda: any(answer.degraded for answer in clients.since(killed)))
        partly = client.recommend(**ASKED).json
        until(lambda: client.recommend(**ASKED).json["degraded"] == [], 30)
        time.sleep(length.pick(short=1, ci=5, full=20))
        answers = clients.since(killed)
    figures.note("requests", len(answers))
    figures.note("p99", quantile_ms(answers, 0.99), "ms")
    figures.note("coverage in between", partly["coverage"]["features"])
    last = max(answer.ended_s for answer in answers if answer.degraded)
    figures.note("full quality after the kill (node timeout 1 s)", last - killed, "s")
    reasons = {reason for answer in answers for reason in answer.degraded}
    figures.note("degraded", ", ".join(sorted(reasons)))
    refused = [answer for answer in answers if answer.status != 200]
    figures.hold("answers that are no 200", len(refused), equal=0)
    figures.hold("answers later than deadline + 10 ms", late(answers), equal=0)
    assert client.recommend(**ASKED).ids == before


@pytest.mark.fault("R6", "slots move from node to node under load (MOVED, ASK, TRYAGAIN)")
def test_slots_that_move_cost_no_answer_and_no_row(
    service: Service, client: Client, cluster: LocalCluster, figures: Figures, length: Length
) -> None:
    until(lambda: client.recommend(**ASKED).json["degraded"] == [])
    before = client.recommend(**ASKED).ids
    slots = random.Random(6).sample(keys.SLOTS, length.pick(short=3, ci=20, full=64))
    with Load(service.url) as clients:
        time.sleep(0.5)
        began = time.monotonic()
        for place, slot in enumerate(slots):
            cluster.move([slot], cluster.nodes[place % 3])
        time.sleep(0.5)
        answers = clients.since(began)
    figures.note("slots moved", len(slots))
    figures.note("requests", len(answers))
    degraded = [answer for answer in answers if answer.degraded]
    figures.note("degraded", len(degraded))
    refused = [answer for answer in answers if answer.status != 200]
    figures.hold("answers that are no 200", len(refused), equal=0)
    figures.hold("answers later than deadline + 10 ms", late(answers), equal=0)
    assert client.recommend(**ASKED).ids == before


@pytest.mark.fault("R6", "slots move at random while rows are read and events written")
def test_no_row_is_wrong_and_every_event_counts_once(figures: Figures, length: Length) -> None:
    rows_then = draw(ITEM, len(IDS))
    table = ItemTable(IDS, ITEM)
    seconds = length.pick(short=4, ci=30, full=60)
    with LocalCluster(3) as cluster:
        with connect(cluster.url) as client:
            write_items(client, IDS, rows_then, ITEM, lambda _: None)
        ended = threading.Event()

        def keep_moving() -> None:
            draw_slot = random.Random(7)
            while not ended.is_set():
                cluster.move([draw_slot.choice(keys.SLOTS)], draw_slot.choice(cluster.nodes))

        async def main() -> tuple[int, int, int, int]:
            reads = partly = sent = again = 0
            stop, draw_items = time.monotonic() + seconds, np.random.default_rng(3)
            async with opened(Address.parse(cluster.url), 5.0, 10_000) as store:
                while time.monotonic() < stop:
                    items = draw_items.integers(0, len(IDS), 100)
                    try:
                        rows, present = await store.read_items(table, items, 5.0)
                    except StoreUnavailable:
                        partly += 1
                    else:
                        assert present.all()
                        assert rows.tobytes() == rows_then[items].tobytes()
                        reads += 1
                    user = USERS[sent % len(USERS)]
                    event = Event(user, f"i{sent}", "view", 1, f"e{sent}")
                    while True:
                        try:
                            await store.append_events([event])
                            break
                        except StoreUnavailable:  # as a client would: the same event once more
                            again += 1
                            await asyncio.sleep(0.01)
                    sent += 1
                users = {}
                for user in USERS:
                    users[user] = (await store.read_user(user, USER, 5.0)).history
                for place, user in enumerate(USERS):
                    expected = [f"i{number}" for number in range(place, sent, len(USERS))][::-1]
                    assert users[user] == expected
            return reads, partly, sent, again

        mover = threading.Thread(target=keep_moving)
        mover.start()
        try:
            reads, partly, sent, again = asyncio.run(main())
        finally:
            ended.set()
            mover.join()
    figures.note("reads, all right", reads)
    figures.note("events, each once", sent)
    figures.note("events that were refused first", again)
    figures.hold("reads that fell back", partly / max(1, reads + partly), at_most=0.05)
