"""R1: Redis is not there when the service starts, and comes later."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.servers import free_port
from service.running import running
from service.settings import Settings
from tests.faults.durable import Durable
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client

USER = {"user_id": "196", "limit": 10}


@pytest.mark.fault("R1", "Redis is absent at start and comes later")
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_service_without_its_store_is_up_and_becomes_ready_by_itself(
    artifacts: Path, tmp_path: Path, kind: str, figures: Figures, length: Length
) -> None:
    store = Durable(tmp_path, free_port() if kind == "tcp" else 0)
    settings = Settings(artifact=artifacts, redis=store.url, port=0)
    began = time.monotonic()
    with running(settings, QUIET) as service, closing(Client(service.url)) as client:
        figures.note("started in", time.monotonic() - began, "s")
        figures.hold("live", client.get("/health/live").status, equal=200)
        figures.hold("ready", client.get("/health/ready").status, equal=503)
        reply = client.recommend(**USER)
        assert len(reply.ids) == 10
        assert {part["reason"] for part in reply.json["degraded"]} == {"store_down"}
        waits = []
        for _ in range(length.pick(short=1, ci=8, full=30)):
            try:
                appeared = store.start()
                until(lambda: client.get("/health/ready").status == 200, 10)
                waits.append(time.monotonic() - appeared)
            finally:
                store.kill()
            until(lambda: client.get("/health/ready").status == 503, 10)
        figures.hold("ready after it appeared, at most", max(waits), at_most=1.0, unit="s")
