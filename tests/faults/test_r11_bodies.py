"""R11: bodies that are no requests: each is told so by a code, and never is anything a 500."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.http.contract import ADMIN, CATALOGUE, OPERATIONS, Operation
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.serving import served
from tests.fuzz.barrage import barrage
from tests.fuzz.garbage import garbage
from tests.fuzz.wire import Answer, Wire

SEED = 20261123
# Of a hundred requests one is hardly HTTP; those take a connection each, and patience.
GARBAGE = 100

DEEP = 100_000
BODIES = {
    "nested lists": b"[" * DEEP + b"]" * DEEP,
    "nested objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "properties nested deep": b'{"items":[{"item_id":"a","properties":{"a":'
    + b"[" * 5000
    + b"]" * 5000
    + b"}}]}",
    "unclosed": b"[" * DEEP,
    "bad UTF-8": b'{"user_id":"\xff\xfe"}',
    "a lone surrogate": b'{"user_id":"\\ud800"}',
    "UTF-16": '{"user_id":"1"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"user_id":"1"}',
    "NaN": b'{"user_id":"1","limit":NaN}',
    "Infinity": b'{"user_id":"1","diversity":-Infinity}',
    "1e400": b'{"user_id":"1","diversity":1e400}',
    "4000 digits": b'{"user_id":"1","limit":' + b"9" * 4000 + b"}",
    "a negative limit": b'{"user_id":"1","limit":-1}',
    "a name twice": b'{"user_id":"1","user_id":"2"}',
    "another type": b'{"user_id":{"a":[1]}}',
    "no object": b"[]",
    "nothing": b"",
    "blanks": b" \r\n\t",
    "null": b"null",
    "an unknown name": b'{"x":1}',
    "a NUL": b"\0",
    "two texts": b"{}{}",
}
STATUSES = (400, 415, 422)


@pytest.fixture(scope="module")
def url(artifacts: Path) -> Iterator[str]:
    with served(artifacts, "--patience-s", "1") as (_, url):
        yield url


def asked(url: str, operation: Operation[Any], body: bytes) -> Answer | None:
    head = f"{operation.method} {operation.path} HTTP/1.1\r\nhost: x\r\n"
    with Wire(url) as wire:
        wire.send(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        return wire.answer()


@pytest.mark.fault("R11", "bad bodies of twenty-two kinds, to every route")
def test_every_route_refuses_every_bad_body_by_a_code(url: str, figures: Figures) -> None:
    wrong, codes = [], set()
    operations = (*OPERATIONS, *CATALOGUE, *ADMIN)
    for operation in operations:
        for name, body in BODIES.items():
            answer = asked(url, operation, body)
            if answer is None or answer.status not in STATUSES:
                wrong.append((operation.path, name, answer))
            else:
                codes.add(json.loads(answer.body)["type"])
    figures.note("requests", len(operations) * len(BODIES))
    figures.hold("refused otherwise", len(wrong), at_most=0)
    assert codes == {"urn:braid:problem:bad-json", "urn:braid:problem:body-invalid"}


@pytest.mark.fault("R11", "generated requests, pipelined, on few connections")
def test_no_generated_request_is_a_500_or_waits_in_vain(
    url: str, figures: Figures, length: Length
) -> None:
    count = length.pick(short=2000, ci=50_000, full=1_000_000)
    toll = barrage(url, count, SEED)
    more = garbage(url, count // GARBAGE, SEED)
    figures.note("requests", count + count // GARBAGE)
    figures.note("answers", str(toll))
    figures.note("answers to garbage", str(more))
    figures.hold("hangs", toll.hangs + more.hangs, at_most=0)
    figures.hold("resets without an answer", toll.resets + more.resets, at_most=0)
    figures.hold("500s, and refusals without a code", _faults(toll.faults + more.faults), at_most=0)


def _faults(faults: list[str]) -> int:
    for fault in faults[:10]:
        print(fault)  # noqa: T201  pytest shows it with the failure
    return len(faults)
