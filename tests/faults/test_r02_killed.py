"""R2: Redis is killed while clients ask, and comes back."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from ranking.artifact import read_store
from service.app import Service
from service.load import load
from service.running import running
from service.settings import Settings
from tests.faults.durable import Durable
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.load import Load, late, quantile_ms
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client

USER = {"user_id": "196", "limit": 10, "deadline_ms": 10_000, "seed": 7}


@pytest.fixture
def store(artifacts: Path, tmp_path: Path) -> Iterator[Durable]:
    """A server with the artifact's rows, which outlive it."""
    with Durable(tmp_path, fsync="everysec") as store:
        with Redis.from_url(store.url) as client:
            load(client, read_store(next(artifacts.iterdir())), 1000, lambda *_: None)
            client.execute_command("WAITAOF", 1, 0, 0)
        yield store


@pytest.fixture
def service(artifacts: Path, store: Durable) -> Iterator[Service]:
    with running(Settings(artifact=artifacts, redis=store.url, port=0), QUIET) as service:
        yield service


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    client = Client(service.url)
    yield client
    client.close()


@pytest.mark.fault("R2", "Redis is killed under load, and back later")
def test_fallback_when_failed_a_killed_store_costs_quality_and_no_answer(
    service: Service, client: Client, store: Durable, figures: Figures, length: Length
) -> None:
    until(lambda: client.recommend(**USER).json["degraded"] == [])
    before = client.recommend(**USER).ids
    returns, answers = [], []
    with Load(service.url) as load:
        time.sleep(0.5)
        for _ in range(length.pick(short=1, ci=3, full=5)):
            killed = time.monotonic()
            store.kill()
            until(lambda: client.get("/health/ready").status == 503)
            assert client.get("/health/live").status == 200
            time.sleep(length.pick(short=1, ci=5, full=5))
            outage = load.since(time.monotonic() - 0.5)
            assert outage
            assert all(answer.degraded for answer in outage)
            reply = client.recommend(**USER)
            assert len(reply.ids) == 10
            assert reply.json["coverage"]["features"] < 1  # what may be stale is said to be
            appeared = store.start()
            until(lambda: client.recommend(**USER).json["degraded"] == [])
            time.sleep(1.5)
            answers += load.since(killed)
            last = [answer for answer in load.since(appeared) if answer.degraded]
            returns.append(max((answer.ended_s for answer in last), default=appeared) - appeared)
    figures.note("requests", len(answers))
    figures.note("p99 while killed, away and back", quantile_ms(answers, 0.99), "ms")
    refused = [answer for answer in answers if answer.status != 200]
    figures.hold("answers that are no 200", len(refused), equal=0)
    figures.hold("answers later than deadline + 10 ms", late(answers), equal=0)
    reasons = {reason for answer in answers for reason in answer.degraded}
    figures.note("degraded", ", ".join(sorted(reasons)))
    figures.hold("last degraded answer after its return", max(returns), at_most=1.0, unit="s")
    assert client.recommend(**USER).ids == before


@pytest.mark.fault("R2", "events and users are written while Redis is away")
def test_what_the_store_did_not_take_is_refused_not_lost(
    client: Client, store: Durable, figures: Figures
) -> None:
    store.kill()
    until(lambda: client.get("/health/ready").status == 503)
    event = {"user_id": "a", "item_id": "50", "event_id": "e-1"}
    refused = client.post("/v1/events", {"events": [event]})
    figures.hold("events", refused.status, equal=503)
    assert refused.headers["retry-after"] == "1"
    users = {"users": [{"user_id": "a", "features": {}}]}
    figures.hold("users", client.send("PUT", "/v1/users", users).status, equal=503)
    store.start()
    until(lambda: client.post("/v1/events", {"events": [event]}).status == 200)
    assert client.post("/v1/events", {"events": [event]}).json["stored"] == 0
