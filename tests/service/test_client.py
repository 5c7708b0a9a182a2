"""The client against a real service, and against one that fails as it is told to."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from service.app import Service
from service.client import AsyncBraid, Braid, Refused, Unreachable
from service.client.retry import Retry
from service.http.catalogue_wire import ItemPut, UserPut
from service.http.wire import EventRecord

QUICK = Retry(first_s=0.001, longest_s=0.002)
SLATE = {
    "request_id": "r",
    "model_version": "m",
    "surface": "home",
    "variant": "control",
    "items": [],
    "degraded": [],
    "coverage": {"features": 1.0, "scored": 1.0},
}
PROBLEM = {"type": "t", "title": "No", "status": 0, "detail": "why", "request_id": "r"}

type Script = list[tuple[int, dict[str, str], Any]]


@pytest.fixture
def braid(service: Service) -> Iterator[Braid]:
    with Braid(service.url) as braid:
        yield braid


@contextmanager
def scripted(script: Script) -> Iterator[tuple[str, list[dict[str, str]], list[Any]]]:
    """A server that gives these answers in turn; the last of them from then on."""
    headers: list[dict[str, str]] = []
    bodies: list[Any] = []

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            headers.append({name.lower(): value for name, value in self.headers.items()})
            bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            status, told, answer = script[min(len(bodies), len(script)) - 1]
            if not status:
                self.close_connection = True
                return
            raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**told, "content-length": str(len(raw))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", headers, bodies
        finally:
            server.shutdown()
            thread.join()


def test_a_slate_comes_with_the_time_of_every_stage(braid: Braid) -> None:
    found = braid.recommend(user_id="196", limit=5)

    assert len(found.answer.items) == 5
    assert found.request_id == found.answer.request_id
    assert {"context", "retrieve", "features", "score", "rerank", "total"} <= found.timing.keys()
    assert found.attempts == 1


def test_every_way_to_ask_gives_a_slate(braid: Braid) -> None:
    assert braid.rank(["1", "50", "100"], user_id="196").answer.items
    assert braid.similar(["50"], limit=3).answer.items
    assert len(braid.batch([{"user_id": "196"}, {"seed_items": ["50"]}]).answer.slates) == 2
    page = braid.recommend(user_id="196", limit=5).answer
    assert page.next is not None
    rest = braid.recommend(user_id="196", limit=5, after=page.next).answer
    assert not {one.item_id for one in page.items} & {one.item_id for one in rest.items}


def test_what_is_told_has_its_effect(braid: Braid) -> None:
    braid.put_items([ItemPut("client-1", {"title": "Put by the client"}, {"year": 1999})])
    braid.put_users([UserPut("client-user", {"age": 30})])
    stored = braid.events([EventRecord("client-user", "50"), EventRecord("client-user", "181")])
    assert stored.answer.stored == 2

    slate = braid.recommend(user_id="client-user", limit=200).answer
    assert not {"50", "181"} & {one.item_id for one in slate.items}, "they were seen"
    assert braid.rank(["client-1"], user_id="client-user").answer.items[0].item_id == "client-1"
    assert braid.retire_items(["client-1"]).answer.retired == 1


def test_an_event_loop_asks_as_well(service: Service) -> None:
    async def ask() -> list[list[str]]:
        async with AsyncBraid(service.url) as braid:
            slates = await asyncio.gather(*(braid.recommend(user_id="196") for _ in range(8)))
            await braid.events([EventRecord("client-async", "50")])
            return [[one.item_id for one in slate.answer.items] for slate in slates]

    slates = asyncio.run(ask())
    assert all(slate == slates[0] for slate in slates)


def test_a_problem_is_raised_with_its_document(braid: Braid) -> None:
    with pytest.raises(Refused, match=r"\$\.filter") as refused:
        braid.recommend(user_id="196", filter="genre in (")

    assert refused.value.status == 400
    assert refused.value.problem.type.endswith("filter-invalid")


def test_what_can_be_known_to_be_wrong_is_not_sent() -> None:
    with Braid("http://127.0.0.1:9") as braid, pytest.raises(msgspec.ValidationError):
        braid.recommend(user_id="196", limit=0)
    with Braid("http://127.0.0.1:9") as braid, pytest.raises(msgspec.ValidationError):
        braid.recommend()


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_for_want_of_room_is_tried_again_when_it_said(status: int) -> None:
    script: Script = [(status, {"retry-after": "0"}, PROBLEM), (200, {}, SLATE)]
    with scripted(script) as (url, _, bodies), Braid(url, retry=QUICK) as braid:
        found = braid.recommend(user_id="u")

    assert (found.attempts, len(bodies)) == (2, 2)


def test_a_connection_that_breaks_is_tried_again_and_events_keep_their_ids() -> None:
    answer = {"request_id": "r", "received": 1, "stored": 1}
    script: Script = [(0, {}, None), (200, {}, answer)]
    with scripted(script) as (url, _, bodies), Braid(url, retry=QUICK) as braid:
        braid.events([EventRecord("u", "i")])

    [first], [second] = (body["events"] for body in bodies)
    assert first == second
    assert first["event_id"]


def test_other_refusals_are_final() -> None:
    with scripted([(404, {}, PROBLEM)]) as (url, _, bodies), Braid(url, retry=QUICK) as braid:
        with pytest.raises(Refused, match="404"):
            braid.recommend(user_id="u")
        assert len(bodies) == 1


def test_in_the_end_it_gives_up() -> None:
    with scripted([(503, {}, PROBLEM)]) as (url, _, bodies), Braid(url, retry=QUICK) as braid:
        with pytest.raises(Refused, match="503"):
            braid.recommend(user_id="u")
        assert len(bodies) == QUICK.attempts
    with Braid("http://127.0.0.1:9", retry=QUICK) as braid, pytest.raises(Unreachable):
        braid.recommend(user_id="u")


def test_it_does_not_come_back_sooner_than_told_nor_wait_beyond_its_time() -> None:
    script: Script = [(503, {"retry-after": "3600"}, PROBLEM)]
    with scripted(script) as (url, _, bodies), Braid(url, timeout_s=1) as braid:
        with pytest.raises(Refused, match="503"):
            braid.recommend(user_id="u")
        assert len(bodies) == 1


def test_a_proxy_s_own_error_page_is_told_too() -> None:
    script: Script = [(502, {}, b"<html>Bad gateway</html>")]
    with (
        scripted(script) as (url, _, _bodies),
        Braid(url, retry=QUICK) as braid,
        pytest.raises(Refused, match="Bad gateway"),
    ):
        braid.recommend(user_id="u")


def test_the_key_and_the_time_left_go_along() -> None:
    with scripted([(200, {}, SLATE)]) as (url, headers, _), Braid(url, "a-key", timeout_s=2) as one:
        one.recommend(user_id="u")

    assert headers[0]["authorization"] == "Bearer a-key"
    assert 0 < float(headers[0]["x-deadline-ms"]) <= 2000
