"""Refusals over real sockets: by the short way and by ASGI's."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from benchmarks.client import Connection, Reply, post
from service.app import Service
from service.embedded import EmbeddedValkey
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET, Client

PATH = "/v1/recommendations"
BODY = json.dumps({"user_id": "196", "deadline_ms": 10_000}).encode()
AT_ONCE = 64


@pytest.fixture(scope="module")
def crowded(artifacts: Path, filled: EmbeddedValkey) -> Iterator[Service]:
    settings = Settings(
        artifact=artifacts, redis=filled.url, port=0, loops=1, crew=0, longest_wait_ms=0.001
    )
    with running(settings, QUIET) as service:
        yield service


def told(reply: Reply) -> dict[str, str]:
    lines = reply.head.decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines)


@pytest.mark.parametrize("padding", [0, 100_000], ids=["short way", "ASGI"])
def test_who_is_refused_is_told_when_to_come_back_and_keeps_the_connection(
    crowded: Service, padding: int
) -> None:
    host, port = crowded.url.removeprefix("http://").split(":")
    request = post(PATH, BODY + b" " * padding)
    with ExitStack() as stack:
        pool = [stack.enter_context(closing(Connection((host, int(port))))) for _ in range(AT_ONCE)]
        for connection in pool:
            connection.send(request)
        refused = []
        for connection in pool:
            while (reply := connection.receive()) is None:
                pass
            if reply.status != 200:
                refused.append((connection, reply))
        assert refused
        ids = set()
        for _, reply in refused:
            problem, headers = json.loads(reply.body), told(reply)
            assert (reply.status, problem["type"]) == (503, "urn:braid:problem:overloaded")
            assert headers["retry-after"] in {"1", "2", "3"}
            assert headers["x-request-id"] == problem["request_id"]
            ids.add(problem["request_id"])
        assert len(ids) == len(refused)
        for connection, _ in refused:
            assert connection.ask(request).status == 200


def test_pages_are_shown_whatever_waits_and_count_the_refused(crowded: Service) -> None:
    with closing(Client(crowded.url)) as client:
        assert client.get("/health/live").status == 200
        text = client.get("/metrics").body.decode()
    refused = [line for line in text.splitlines() if line.startswith("braid_refused_total")]
    assert any(float(line.split()[-1]) > 0 for line in refused)
