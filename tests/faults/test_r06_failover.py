"""R6: one server that changes its role, or is not ready yet, and sentinels that choose another."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from ranking.artifact import read_store
from service.app import Service
from service.embedded import EmbeddedValkey
from service.load import load
from service.running import running
from service.settings import Settings
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.load import Load, late, quantile_ms
from tests.features.cluster import free_port
from tests.features.dropped import UNCLOSED
from tests.features.sentinels import Sentinels
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client

pytestmark = UNCLOSED

ASKED = {"user_id": "196", "limit": 10, "deadline_ms": 10_000, "seed": 7}
EVENT = {"user_id": "a", "item_id": "50", "event_id": "e-1"}


def fill(client: Redis, artifacts: Path) -> None:
    load(client, read_store(next(artifacts.iterdir())), 1000, lambda *_: None)


def serving(artifacts: Path, url: str) -> Settings:
    return Settings(artifact=artifacts, redis=url, port=0)


@pytest.fixture
def sentinels(artifacts: Path) -> Iterator[Sentinels]:
    with Sentinels() as sentinels:
        fill(sentinels.clients[0], artifacts)
        yield sentinels


@pytest.fixture
def watched(artifacts: Path, sentinels: Sentinels) -> Iterator[Service]:
    with running(serving(artifacts, sentinels.url), QUIET) as service:
        yield service


@pytest.mark.fault("R6", "the primary is killed, and sentinels make the replica the primary")
def test_a_failover_costs_quality_for_its_time_and_no_answer(
    watched: Service, sentinels: Sentinels, figures: Figures, length: Length
) -> None:
    client = Client(watched.url)
    until(lambda: client.recommend(**ASKED).json["degraded"] == [])
    before = client.recommend(**ASKED).ids
    until(lambda: sentinels.clients[1].dbsize() == sentinels.clients[0].dbsize())
    with Load(watched.url) as clients:
        time.sleep(0.5)
        killed = time.monotonic()
        sentinels.kill(0)
        until(lambda: client.post("/v1/events", {"events": [EVENT]}).status == 503)
        until(lambda: sentinels.primary() == 1, 30)
        switched = time.monotonic()
        until(lambda: client.post("/v1/events", {"events": [EVENT]}).status == 200)
        until(lambda: client.recommend(**ASKED).json["degraded"] == [])
        time.sleep(length.pick(short=1, ci=3, full=10))
        answers = clients.since(killed)
    assert client.post("/v1/events", {"events": [EVENT]}).json["stored"] == 0
    figures.note("requests", len(answers))
    figures.note("p99", quantile_ms(answers, 0.99), "ms")
    refused = [answer for answer in answers if answer.status != 200]
    figures.hold("answers that are no 200", len(refused), equal=0)
    figures.hold("answers later than deadline + 10 ms", late(answers), equal=0)
    last = max(answer.ended_s for answer in answers if answer.degraded)
    figures.note("full quality after sentinels agreed", max(0.0, last - switched), "s")
    assert client.recommend(**ASKED).ids == before
    client.close()


@pytest.mark.fault("R6", "the primary becomes a replica in place (READONLY)")
def test_a_replica_is_read_and_events_are_refused_until_it_is_a_primary(
    artifacts: Path, figures: Figures
) -> None:
    with EmbeddedValkey(free_port()) as valkey, Redis.from_url(valkey.url) as redis:
        fill(redis, artifacts)
        with (
            running(serving(artifacts, valkey.url), QUIET) as service,
            Load(service.url) as clients,
        ):
            client = Client(service.url)
            until(lambda: client.recommend(**ASKED).json["degraded"] == [])
            began = time.monotonic()
            redis.replicaof("127.0.0.1", "1")
            until(lambda: client.post("/v1/events", {"events": [EVENT]}).status == 503)
            refused = client.post("/v1/events", {"events": [EVENT]})
            figures.hold("events meanwhile", refused.status, equal=503)
            assert refused.headers["retry-after"]
            redis.replicaof("NO", "ONE")
            until(lambda: client.post("/v1/events", {"events": [EVENT]}).status == 200)
            until(lambda: client.recommend(**ASKED).json["degraded"] == [])
            answers = clients.since(began)
            client.close()
    bad = [answer for answer in answers if answer.status != 200]
    figures.note("requests", len(answers))
    figures.hold("answers that are no 200", len(bad), equal=0)


@pytest.mark.fault("R6", "the server is loading its data (LOADING)")
def test_a_loading_server_is_waited_for_by_nobody(
    artifacts: Path, tmp_path: Path, figures: Figures, length: Length
) -> None:
    slow = {
        "dir": str(tmp_path),
        # Microseconds for each key: some thousand of them take seconds.
        "key-load-delay": str(length.pick(short=400, ci=1000, full=2000)),
        "loading-process-events-interval-bytes": "1024",
    }
    valkey = EmbeddedValkey(0, slow)
    valkey.start()
    try:
        with Redis.from_url(valkey.url) as redis:
            fill(redis, artifacts)
            redis.save()
        with running(serving(artifacts, valkey.url), QUIET) as service:
            client = Client(service.url)
            until(lambda: client.recommend(**ASKED).json["degraded"] == [])
            before = client.recommend(**ASKED).ids
            with Load(service.url) as clients:
                time.sleep(0.3)
                began = time.monotonic()
                valkey.stop()
                again = threading.Thread(target=valkey.start)  # returns when it has loaded
                again.start()
                again.join()
                loaded = time.monotonic()
                until(lambda: client.recommend(**ASKED).json["degraded"] == [])
                time.sleep(1)
                answers = clients.since(began)
            assert client.recommend(**ASKED).ids == before
            client.close()
    finally:
        valkey.stop()
    figures.note("loading for", loaded - began, "s")
    figures.note("requests", len(answers))
    bad = [answer for answer in answers if answer.status != 200]
    figures.hold("answers that are no 200", len(bad), equal=0)
    figures.hold("answers later than deadline + 10 ms", late(answers), equal=0)
    degraded = [answer for answer in answers if answer.degraded]
    assert degraded
    last = max(answer.ended_s for answer in degraded)
    figures.hold("last degraded answer after it had loaded", last - loaded, at_most=1.0, unit="s")
