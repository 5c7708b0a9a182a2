"""The deadline of a request, over HTTP: of the body, of the header, and of the server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.app import Service
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET, Client
from tests.stores import Store

WISH = {"user_id": "196", "limit": 10}
LATE = 0.001


@pytest.fixture
def hasty(artifacts: Path, filled: Store) -> Iterator[Service]:
    settings = Settings(artifact=artifacts, redis=filled.url, port=0, longest_deadline_ms=LATE)
    with running(settings, QUIET) as service:
        yield service


def ask(client: Client, header_ms: float | None = None, **wanted: Any) -> dict[str, Any]:
    headers = {"content-type": "application/json"}
    if header_ms is not None:
        headers["x-deadline-ms"] = str(header_ms)
    body = json.dumps({**WISH, **wanted}).encode()
    reply = client.ask("POST", "/v1/recommendations", body, headers)
    assert reply.status == 200, reply.body
    answer: dict[str, Any] = reply.json
    assert len(answer["items"]) == 10
    return answer


def late(answer: dict[str, Any]) -> set[str]:
    return {note["stage"] for note in answer["degraded"] if note["reason"] == "deadline"}


def test_the_smaller_of_body_and_header_counts(api: Client) -> None:
    whole = ask(api, 10_000, deadline_ms=10_000)
    assert (late(whole), whole["coverage"]["scored"]) == (set(), 1.0)
    for header_ms, deadline_ms in ((LATE, 10_000), (10_000, LATE), (LATE, LATE)):
        answer = ask(api, header_ms, deadline_ms=deadline_ms)
        assert late(answer) >= {"context", "score", "rerank"}
        assert answer["coverage"]["scored"] == 0.0


def test_no_request_has_more_time_than_the_server_lets_it(hasty: Service) -> None:
    client = Client(hasty.url)
    assert late(ask(client, deadline_ms=10_000)) >= {"context", "score", "rerank"}
    client.close()
