"""R3: Redis is stopped: connections stay open and new ones are accepted, but nothing answers."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from features.address import Address
from features.errors import StoreUnavailable
from features.store import FeatureStore
from ranking.artifact import read_store
from service.app import Service
from service.load import load
from service.running import running
from service.settings import Settings
from tests.faults.durable import Durable
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.noise import Noise
from tests.faults.proxy import Proxy
from tests.features.schemas import USER
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client

FETCH_BUDGET_MS = 20
WANTED = {"limit": 10, "deadline_ms": 200}


@pytest.fixture
def store(artifacts: Path, tmp_path: Path) -> Iterator[Durable]:
    with Durable(tmp_path, fsync="no") as store:
        with Redis.from_url(store.url) as client:
            load(client, read_store(next(artifacts.iterdir())), 1000, lambda *_: None)
        yield store


@pytest.fixture
def service(artifacts: Path, store: Durable) -> Iterator[Service]:
    settings = Settings(
        artifact=artifacts, redis=store.url, port=0, loops=1, fetch_budget_ms=FETCH_BUDGET_MS
    )
    with running(settings, QUIET) as service:
        yield service


def ask(client: Client, count: int, noise: Noise) -> tuple[list[float], list[list[str]]]:
    """Return how long each answer took, in milliseconds, and what fell back in it.

    Less the pauses that the machine made.
    """
    took, reasons = [], []
    for number in range(count):
        began = time.perf_counter() - noise.total_s
        reply = client.recommend(user_id=str(1 + number % 943), **WANTED)
        took.append((time.perf_counter() - noise.total_s - began) * 1e3)
        reasons.append([f"{part['stage']}:{part['reason']}" for part in reply.json["degraded"]])
    return took, reasons


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    client = Client(service.url)
    yield client
    client.close()


@pytest.fixture
def noise() -> Iterator[Noise]:
    with Noise() as noise:
        yield noise


@pytest.mark.fault("R3", "Redis is stopped (SIGSTOP)")
def test_a_stopped_store_costs_one_budget_and_then_nothing(
    client: Client, store: Durable, noise: Noise, figures: Figures, length: Length
) -> None:
    until(lambda: client.recommend(user_id="1", **WANTED).json["degraded"] == [])
    count = length.pick(short=200, ci=1000, full=5000)
    ask(client, count, noise)
    before, _ = ask(client, count, noise)
    figures.note("p50 before", float(np.median(before)), "ms")
    costs, opened, after = [], [], []
    for _ in range(length.pick(short=1, ci=5, full=20)):
        stopped = time.monotonic()
        store.suspend()
        try:
            took, reasons = ask(client, 1, noise)
            while not reasons[-1] or any("timeout" in reason for reason in reasons[-1]):
                more, why = ask(client, 1, noise)
                took, reasons = took + more, reasons + why
            opened.append(time.monotonic() - stopped)
            costs.append(max(took) - float(np.median(before)))
            took, reasons = ask(client, count, noise)
            assert all("context:store_down" in why for why in reasons)
            after.append(float(np.median(took)) - float(np.median(before)))
            assert client.get("/health/live").status == 200
            assert client.get("/health/ready").status == 503
        finally:
            store.resume()
        until(lambda: client.recommend(user_id="1", **WANTED).json["degraded"] == [])
    figures.note("largest cost of a request", max(costs), "ms")
    figures.hold(
        "cost of a request before the breaker is open, median of the stops",
        float(np.median(costs)),
        at_most=FETCH_BUDGET_MS,
        unit="ms",
    )
    figures.hold("breaker open after", max(opened), at_most=1.0, unit="s")
    figures.hold("cost per request from then on, median", max(after), at_most=1.0, unit="ms")


@pytest.mark.fault("R3", "reads go on while Redis is stopped: how often is it tried?")
def test_one_probe_at_a_time_stands_before_a_stopped_store(
    tmp_path: Path, figures: Figures, length: Length
) -> None:
    seconds = length.pick(short=2.0, ci=10.0, full=60.0)

    async def main(proxy: Proxy, server: Durable) -> int:
        store = FeatureStore(Address.parse(proxy.url), 0.02, 10)
        await store.open()
        server.suspend()
        asked, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                await store.read_user("ann", USER, 1.0)
            except StoreUnavailable:
                asked += 1
            await asyncio.sleep(0.001)
        await store.close()
        return asked

    with Durable(tmp_path) as server, Proxy(server.url) as proxy:
        try:
            asked = asyncio.run(main(proxy, server))
        finally:
            server.resume()
        probes = proxy.links[1:]
        figures.note("requests that found it stopped", asked)
        # Each waits half a second for its PONG before the next may begin.
        figures.hold("probes", len(probes), at_most=2 * seconds + 1)
        assert all(link.up.bytes < 100 for link in probes), "a probe is a PING, not a request"
        assert len(probes) > 0
