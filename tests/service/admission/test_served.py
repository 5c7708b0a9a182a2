"""Refusals over real sockets: by the short way and by ASGI's."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks.client import Connection, Reply, post
from service.app import Service
from service.http.protocol import DirectProtocol
from service.running import running
from service.settings import Settings
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client
from tests.stores import Store

PATH = "/v1/recommendations"
BODY = json.dumps({"user_id": "196", "deadline_ms": 10_000}).encode()
AT_ONCE = 64


@pytest.fixture(scope="module")
def crowded(artifacts: Path, filled: Store) -> Iterator[Service]:
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


def test_whoever_asks_again_is_refused_again_without_being_parsed(
    crowded: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[bool] = []
    refuse_again = DirectProtocol._refuse_again

    def counted(protocol: DirectProtocol, *given: Any) -> bool:
        again.append(refuse_again(protocol, *given))
        return again[-1]

    monkeypatch.setattr(DirectProtocol, "_refuse_again", counted)
    host, port = crowded.url.removeprefix("http://").split(":")
    ids, answered = set[str](), 0
    with ExitStack() as stack:
        pool = [stack.enter_context(closing(Connection((host, int(port))))) for _ in range(AT_ONCE)]
        for turn in range(20):
            for connection in pool:
                connection.send(post(PATH, BODY + b" " * turn))
            for connection in pool:
                while (reply := connection.receive()) is None:
                    pass
                answer, headers = json.loads(reply.body), told(reply)
                assert reply.status in {200, 503}
                assert reply.status == 200 or headers["retry-after"] in {"1", "2", "3"}
                assert headers["x-request-id"] == answer["request_id"]
                assert int(headers["content-length"]) == len(reply.body)
                ids.add(answer["request_id"])
                answered += 1
        for connection in pool:  # one alone, who is let in sooner or later
            until(lambda: connection.ask(post(PATH, BODY)).status == 200)  # noqa: B023
    assert any(again)
    assert not all(again), "who is let in after all is parsed"
    assert len(ids) == answered


def test_nobody_is_refused_ahead_of_an_answer_that_is_still_to_come(crowded: Service) -> None:
    """On one connection, behind a refusal: a page that takes its time, and the request again."""
    host, port = crowded.url.removeprefix("http://").split(":")
    page = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with ExitStack() as stack:
        pool = [stack.enter_context(closing(Connection((host, int(port))))) for _ in range(AT_ONCE)]
        for _ in range(10):
            for connection in pool:
                connection.send(post(PATH, BODY))
            for connection in pool:
                while connection.receive() is None:
                    pass
            for connection in pool:
                connection.send(page)
                connection.send(post(PATH, BODY))
            for connection in pool:
                first, second = received(connection, 2)
                assert (first[9:12], b"request_id" in first) == (b"200", False)
                assert second[9:12] in {b"200", b"503"}
                assert b"request_id" in second


def received(connection: Connection, count: int) -> list[bytes]:
    """Read so many answers that may come together."""
    data, found = b"", list[bytes]()
    while len(found) < count:
        end = data.find(b"\r\n\r\n") + 4
        at = data.find(b"content-length: ", 0, end) + 16
        if end < 4 or len(data) < (stop := end + int(data[at : data.find(b"\r", at)])):
            data += connection.socket.recv(1 << 16)
        else:
            found.append(data[:stop])
            data = data[stop:]
    return found


def test_pages_are_shown_whatever_waits_and_count_the_refused(crowded: Service) -> None:
    with closing(Client(crowded.url)) as client:
        assert client.get("/health/live").status == 200
        text = client.get("/metrics").body.decode()
    refused = [line for line in text.splitlines() if line.startswith("braid_refused_total")]
    assert any(float(line.split()[-1]) > 0 for line in refused)
