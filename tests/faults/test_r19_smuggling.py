"""R19: requests that could be read as others, forged addresses, heads that are bombs."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.figures import Figures
from tests.faults.serving import served
from tests.fuzz.smuggling import BODY, CORPUS, LENGTH, POST, Case
from tests.fuzz.wire import Answer, Wire

PAUSE_S = 0.003
LAST = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def url(artifacts: Path) -> Iterator[str]:
    with served(artifacts) as (_, url):
        yield url


def whole(sent: bytes) -> Sequence[bytes]:
    return [sent]


def in_two(sent: bytes) -> Sequence[bytes]:
    """The head in one piece, what is behind it in another: a fault may come after the start."""
    end = sent.find(b"\r\n\r\n") + 4
    return [sent[:end], sent[end:]]


def in_bytes(sent: bytes) -> Sequence[bytes]:
    return [sent[at : at + 1] for at in range(len(sent))] if len(sent) < 700 else [sent]


@pytest.mark.fault("R19", "the smuggling corpus: whole, in two pieces, byte by byte")
def test_no_request_is_served_out_of_another_ones_body(url: str, figures: Figures) -> None:
    wrong = []
    for pieces in (whole, in_two, in_bytes):
        for case in CORPUS:
            got = outcome(url, case, pieces(case.sent))
            if got != list(case.statuses):
                wrong.append((case.name, pieces.__name__, got, case.statuses))
    figures.note("cases", len(CORPUS))
    figures.hold("answered otherwise than they must be", len(wrong), at_most=0)
    assert not wrong


def outcome(url: str, case: Case, pieces: Sequence[bytes]) -> list[int] | str:
    """Return the statuses of all answers; for who may go on, those it must not get as well."""
    try:
        with Wire(url, timeout_s=5) as wire:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has gone already
                for piece in pieces:
                    wire.send(piece)
                    if len(pieces) == 2:
                        time.sleep(PAUSE_S)
            if case.last:
                return [answer.status for answer in wire.answers()]
            found = [answer.status for answer in wire.answers(len(case.statuses))]
            wire.send(LAST)
            more = [answer.status for answer in wire.answers()]
            return found if more == [200] else [*found, *more]
    except (OSError, ValueError) as fault:
        return repr(fault)


FORGED = [
    b"x-forwarded-for: 127.0.0.1",
    b"x-forwarded-for: 10.0.0.1, 127.0.0.1, unknown, ::1, \xff",
    b"x-real-ip: 127.0.0.1",
    b"forwarded: for=127.0.0.1;host=evil;proto=https, for=_hidden",
    b"x-forwarded-host: evil.example",
    b"x-forwarded-proto: https",
    b"x-forwarded-port: 1",
    b"x-forwarded-prefix: /evil",
    b"x-original-url: /v1/models/rollback",
    b"x-rewrite-url: /v1/models/rollback",
    b"x-http-method-override: DELETE",
    b"x-method-override: DELETE",
    b"true-client-ip: 127.0.0.1",
    b"via: 1.1 evil",
    b"connection: host, content-length",
    b"proxy-connection: keep-alive",
]


@pytest.mark.fault("R19", "forged X-Forwarded-*, Forwarded, X-Real-IP and their like")
def test_forged_headers_change_nothing(url: str, figures: Figures) -> None:
    plain, home = asked(url, b""), redirected(url, b"")
    assert plain.status == 200
    told = [ids(asked(url, line + b"\r\n")) for line in FORGED]
    figures.note("headers", len(FORGED))
    figures.hold("slates that differ", sum(one != ids(plain) for one in told), at_most=0)
    moved = [redirected(url, line + b"\r\n") for line in FORGED]
    figures.hold("redirects that differ", sum(one != home for one in moved), at_most=0)


def asked(url: str, line: bytes) -> Answer:
    with Wire(url) as wire:
        wire.send(POST + line + LENGTH + b"\r\n" + BODY)
        answer = wire.answer()
    assert answer is not None
    return answer


def ids(answer: Answer) -> list[str]:
    return [item["item_id"] for item in json.loads(answer.body)["items"]]


def redirected(url: str, line: bytes) -> tuple[int, str | None]:
    with Wire(url) as wire:
        wire.send(b"GET / HTTP/1.1\r\nhost: x\r\n" + line + b"\r\n")
        answer = wire.answer()
    assert answer is not None
    return answer.status, answer.headers.get("location")
