"""What a connection may take: in time, in bytes, in number; and what becomes of the next one."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from service.app import Service
from service.http.endpoint import Endpoint
from service.running import running
from service.settings import Settings
from tests.fuzz.smuggling import BODY, LENGTH, NEXT, POST
from tests.fuzz.wire import Wire
from tests.service.conftest import QUIET
from tests.stores import Store

REQUEST = POST + LENGTH + b"\r\n" + BODY
ROOM = 8
IDLE_S = 6


@pytest.fixture(scope="module")
def strict(artifacts: Path, filled: Store) -> Iterator[Service]:
    """One loop that has little patience, and little room."""
    settings = Settings(
        artifact=artifacts,
        redis=filled.url,
        port=0,
        loops=1,
        fetch_budget_ms=5000,
        connections=ROOM,
        patience_s=0.5,
        idle_s=IDLE_S,
    )
    with running(settings, QUIET) as service:
        yield service


@pytest.fixture
def wire(strict: Service) -> Iterator[Wire]:
    until_empty(strict)
    with Wire(strict.url) as wire:
        yield wire


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until_empty(service: Service) -> None:
    until(lambda: not service._server.census().open)


def endpoint_of(service: Service, path: bytes) -> Endpoint[Any]:
    [loop] = service._server._loops
    found: Endpoint[Any] = loop._server.config.app.endpoints[path]  # type: ignore[union-attr]  # a Front
    return found


def test_half_a_head_is_told_that_it_was_too_slow(wire: Wire) -> None:
    wire.send(REQUEST[:30])
    [answer] = wire.answers()
    assert answer.status == 408
    assert json.loads(answer.body)["type"] == "urn:braid:problem:too-slow"


def test_half_a_body_is_told_so_after_the_answers_before_it(wire: Wire) -> None:
    wire.send(REQUEST + NEXT + REQUEST[:-5])
    assert [answer.status for answer in wire.answers()] == [200, 200, 408]


def test_a_connection_that_says_nothing_ends_without_a_word(wire: Wire, strict: Service) -> None:
    before = strict._server.census().refused["idle"]
    assert wire.answers() == []
    assert strict._server.census().refused["idle"] == before + 1


def test_the_metrics_tell_of_connections_and_why_they_ended(wire: Wire) -> None:
    wire.send(b"GARBAGE\r\n\r\n")
    assert [answer.status for answer in wire.answers()] == [400]
    with Wire(wire.url) as other:
        other.send(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        [page] = other.answers()
    assert re.search(rb"\nbraid_connections [1-9]\.0\n", page.body)
    assert b'braid_connections_ended_total{reason="not-http"}' in page.body


def test_a_connection_may_pause_between_requests(wire: Wire) -> None:
    for _ in range(3):
        wire.send(REQUEST)
        answer = wire.answer()
        assert answer is not None
        assert answer.status == 200
        time.sleep(0.9)  # more than the patience with a request that has begun


def test_the_connection_after_the_last_is_told_that_there_is_no_room(strict: Service) -> None:
    until_empty(strict)
    with ExitStack() as stack:
        for _ in range(ROOM):
            stack.enter_context(Wire(strict.url)).send(b"")
        time.sleep(0.1)
        with Wire(strict.url) as late:
            late.send(REQUEST)
            [answer] = late.answers()
    assert answer.status == 503
    assert answer.headers["retry-after"] == "1"
    assert json.loads(answer.body)["type"] == "urn:braid:problem:no-connection-free"


def test_idle_connections_make_room_when_it_is_scarce(strict: Service) -> None:
    until_empty(strict)
    with ExitStack() as stack:
        for _ in range(ROOM):
            stack.enter_context(Wire(strict.url))
        until(lambda: strict._server.census().open == ROOM)
        began = time.monotonic()
        until(lambda: strict._server.census().open < ROOM)
        assert time.monotonic() - began < IDLE_S


def test_a_read_whose_client_is_gone_is_given_up(
    strict: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    until_empty(strict)
    begun, ended = list[str](), list[str]()

    async def never(*_: object) -> None:
        begun.append("read")
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("given up")
            raise

    monkeypatch.setattr(endpoint_of(strict, b"/v1/rank"), "_respond", never)
    for request in (REQUEST, REQUEST.replace(b"host: x", b"host: x\r\nconnection: close")):
        with Wire(strict.url) as leaving:
            leaving.send(request)
            until(lambda: bool(begun))
        until(lambda: bool(ended))
        begun.clear()
        ended.clear()


def test_a_write_whose_client_is_gone_is_done_all_the_same(
    strict: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = list[str](), list[str]()

    async def slow(*_: object) -> None:
        begun.append("write")
        await asyncio.sleep(0.3)
        ended.append("done")

    monkeypatch.setattr(endpoint_of(strict, b"/v1/events"), "_respond", slow)
    body = b'{"events":[{"user_id":"a","item_id":"50"}]}'
    head = b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    with Wire(strict.url) as leaving:
        leaving.send(head + body)
        until(lambda: bool(begun))
    until(lambda: bool(ended))
