"""Requests byte by byte: the short way and uvicorn's way give the same answers."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.app import Service
from service.http.protocol import DirectProtocol, Exchange
from tests.service.conftest import Client

PATH = "/v1/rank"
BODY = json.dumps(
    {"user_id": "196", "candidates": ["1", "50", "181"], "deadline_ms": 10_000}
).encode()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def ids(self) -> list[str]:
        return [item["item_id"] for item in json.loads(self.body)["items"]]


class Wire:
    """A plain socket, and the answers that come on it."""

    def __init__(self, service: Service) -> None:
        address = urlsplit(service.url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=30)
        self._file = self.socket.makefile("rb")

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def answer(self) -> Answer:
        status = int(self._file.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return Answer(status, headers, self._file.read(int(headers.get("content-length", 0))))

    def ended(self) -> bool:
        return self._file.read(1) == b""

    def close(self) -> None:
        self._file.close()
        self.socket.close()


def post(
    body: bytes = BODY,
    path: str = PATH,
    version: str = "1.1",
    headers: str = "content-type: application/json\r\n",
) -> bytes:
    return (
        f"POST {path} HTTP/{version}\r\nhost: x\r\n{headers}content-length: {len(body)}\r\n\r\n"
    ).encode() + body


@pytest.fixture
def wire(service: Service) -> Iterator[Wire]:
    wire = Wire(service)
    yield wire
    wire.close()


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """The exchanges that went the short way."""
    seen: list[Exchange] = []
    answer = DirectProtocol._answer

    async def noted(protocol: DirectProtocol, exchange: Exchange) -> None:
        seen.append(exchange)
        await answer(protocol, exchange)

    monkeypatch.setattr(DirectProtocol, "_answer", noted)
    return seen


def test_a_plain_request_goes_the_short_way(wire: Wire, direct: list[Exchange]) -> None:
    wire.send(post())
    answer = wire.answer()
    assert len(direct) == 1
    assert answer.status == 200
    assert sorted(answer.ids) == ["1", "181", "50"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] == json.loads(answer.body)["request_id"]
    assert {"date", "server-timing"} <= answer.headers.keys()


def test_many_requests_share_a_connection(wire: Wire, direct: list[Exchange]) -> None:
    for _ in range(50):
        wire.send(post())
        assert wire.answer().status == 200
    assert len(direct) == 50


CHUNKED = (
    f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    f"transfer-encoding: chunked\r\n\r\n{len(BODY):x}\r\n"
).encode() + BODY
JSON_ = "content-type: application/json\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        CHUNKED + b"\r\n0\r\n\r\n",
        post(path=PATH + "?why=1"),
        post(path="/v1/r%61nk"),
        post(headers="expect: 100-continue\r\n" + JSON_),
        post(headers="connection: close\r\n" + JSON_),
        post(version="1.0"),
        post(BODY + b" " * 200_000),
    ],
    ids=["chunked", "query", "quoted", "expect", "close", "1.0", "large"],
)
def test_what_is_not_plain_goes_uvicorns_way_to_the_same_answer(
    wire: Wire, direct: list[Exchange], request_bytes: bytes
) -> None:
    wire.send(request_bytes)
    answer = wire.answer()
    if answer.status == 100:
        answer = wire.answer()
    assert not direct
    assert sorted(answer.ids) == ["1", "181", "50"]


def test_a_body_that_trickles_in_is_put_together(wire: Wire, direct: list[Exchange]) -> None:
    request = post()
    for at in range(0, len(request), 7):
        wire.send(request[at : at + 7])
        time.sleep(0.0005)
    assert sorted(wire.answer().ids) == ["1", "181", "50"]
    assert len(direct) == 1


def test_pipelined_requests_are_answered_in_their_order(wire: Wire) -> None:
    """The first waits for the store, so the others queue behind it."""
    users: list[dict[str, Any]] = [
        {"user_id": str(user), "limit": 1 + user % 5, "deadline_ms": 10_000} for user in range(60)
    ]
    path = "/v1/recommendations"
    wire.send(b"".join(post(json.dumps(wanted).encode(), path) for wanted in users))
    answers = [wire.answer() for _ in users]
    assert [len(answer.ids) for answer in answers] == [wanted["limit"] for wanted in users]


def test_of_many_in_one_piece_one_goes_the_short_way(wire: Wire, direct: list[Exchange]) -> None:
    """A client that sends a thousand at once must not keep the loop to itself."""
    wire.send(post() * 20)
    assert [wire.answer().status for _ in range(20)] == [200] * 20
    assert len(direct) < 20


def test_bytes_behind_a_request_begin_the_next(wire: Wire, direct: list[Exchange]) -> None:
    first = post()
    wire.send(first + first[:50])
    assert wire.answer().status == 200
    wire.send(first[50:])
    assert wire.answer().status == 200


@pytest.mark.parametrize("headers", ["", "content-type: application/json; charset=utf-8\r\n"])
def test_a_content_type_may_be_left_out_or_have_parameters(wire: Wire, headers: str) -> None:
    wire.send(post(headers=headers))
    assert wire.answer().status == 200


def test_problems_leave_the_connection_open(wire: Wire, direct: list[Exchange]) -> None:
    wire.send(post(b"[]"))
    assert wire.answer().status == 422
    wire.send(post(b"{}", headers="content-type: text/plain\r\n"))
    assert wire.answer().status == 415
    wire.send(post(b""))
    assert wire.answer().status == 400
    wire.send(post())
    assert wire.answer().status == 200
    assert len(direct) == 4


def test_a_get_of_an_endpoint_is_a_405_that_says_post(api: Client) -> None:
    reply = api.ask("GET", PATH)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert api.ask("HEAD", PATH).status == 405


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_client_that_leaves_in_the_middle_harms_nobody(service: Service, part: float) -> None:
    request = post()
    for _ in range(20):
        with closing(Wire(service)) as leaving:
            leaving.send(request[: int(len(request) * part)])
    with closing(Wire(service)) as wire:
        wire.send(request)
        assert wire.answer().status == 200


def test_a_client_that_leaves_before_its_answer_harms_nobody(service: Service) -> None:
    request = post(
        json.dumps({"user_id": "7", "deadline_ms": 10_000}).encode(), "/v1/recommendations"
    )
    for _ in range(50):
        with closing(Wire(service)) as leaving:
            leaving.send(request * 3)
    with closing(Wire(service)) as wire:
        wire.send(request)
        assert wire.answer().status == 200


@pytest.mark.parametrize(
    "smuggled",
    [
        f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n"
        "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: +5\r\n\r\nabcde",
        f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length : 5\r\n\r\nabcde",
    ],
)
def test_a_length_in_doubt_ends_the_connection(wire: Wire, smuggled: str) -> None:
    wire.send(smuggled.encode())
    assert wire.answer().status == 400
    assert wire.ended()


MOST = 2**25  # bytes; what the kernel's buffers take, and the answers to these, is less


def test_a_client_that_does_not_read_is_not_read_from(service: Service) -> None:
    """Else what is written for it would pile up in memory."""
    with closing(Wire(service)) as wire:
        wire.socket.settimeout(1)
        request, sent = post() * 100, 0
        with contextlib.suppress(TimeoutError):
            while sent < MOST:
                wire.send(request)
                sent += len(request)
        assert sent < MOST
