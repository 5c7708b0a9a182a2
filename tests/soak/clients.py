"""Clients of every route that believe nothing: each answer is held against what they know."""

import http.client
import json
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from features.history import history_entry
from tests.soak.ledger import Ledger
from tests.soak.stage import ITEMS, PUT, USERS, Stage

TIMING = re.compile(r"(\w+);dur=([0-9.]+)")
ROUNDING_MS = 0.01
RECENT = 300
EVENTS_PER_USER = 400
FILTERS = [None, None, "world = 'put'", "genre = 'even'", "genre = 'odd' and not world = 'put'"]
TIMEOUT_S = 30.0


class Reply(NamedTuple):
    """What came back; monotonic seconds of when it was asked for and when it was there."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent_s: float
    received_s: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Return the code of a problem."""
        return str(self.json.get("type", "")).rpartition(":")[2]


class Line:
    """One keep-alive connection of one client, made anew when the service closed it."""

    def __init__(self, stage: Stage, ledger: Ledger, key: str | None = None) -> None:
        self._host = stage.url
        self._key = stage.key if key is None else key
        self._ledger = ledger
        self._connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT_S)

    def ask(self, method: str, path: str, body: Any = None) -> Reply | None:
        """Ask; None where the connection broke, which is noted."""
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        raw = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        for again in (True, False):
            fresh = self._connection.sock is None
            sent = time.monotonic()
            try:
                self._connection.request(method, path, raw, headers)
                response = self._connection.getresponse()
                text = response.read()
            except (OSError, http.client.HTTPException) as fault:
                self._connection.close()
                idle_too_long = isinstance(fault, http.client.RemoteDisconnected) and not fresh
                if again and idle_too_long:
                    continue
                self._ledger.violate("connection broke", f"{method} {path}: {fault!r}")
                return None
            received = time.monotonic()
            names = {name.lower(): value for name, value in response.getheaders()}
            self._ledger.note(f"{method} {path}", response.status, (received - sent) * 1e3)
            return Reply(response.status, names, text, sent, received)
        return None

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Client:
    """Asks at random, one request after the other, until told to stop."""

    def __init__(self, stage: Stage, ledger: Ledger, seed: int, stop: threading.Event) -> None:
        self._stage = stage
        self._ledger = ledger
        self._stop = stop
        self._random = random.Random(seed)
        self._seed = seed
        self._line = Line(stage, ledger)
        self._shown: list[tuple[str, str]] = []  # request id, item
        self._events = 0

    def run(self, pause_s: float) -> None:
        """Ask until the end; ``pause_s`` between two."""
        wishes: list[tuple[Callable[[], None], int]] = [
            (self.recommend, 12),
            (self.rank, 4),
            (self.similar, 4),
            (self.batch, 2),
            (self.click, 5),
            (self.page, 2),
            (self.explain, 1),
            (self.pages, 1),
        ]
        asks, weights = zip(*wishes, strict=True)
        while not self._stop.is_set():
            [ask] = self._random.choices(asks, weights)
            try:
                ask()
            except Exception as fault:  # noqa: BLE001  one answer that is none must not end a client
                self._ledger.violate(f"{ask.__name__} could not be judged", repr(fault))
            self._stop.wait(pause_s * self._random.uniform(0.5, 1.5))
        self._line.close()

    def run_open(self, per_s: float) -> None:
        """Ask at moments that no answer changes (a Poisson process); what is late goes at once."""
        due = time.monotonic()
        while not self._stop.is_set():
            due += self._random.expovariate(per_s)
            self._stop.wait(max(0.0, due - time.monotonic()))
            self.recommend()
        self._line.close()

    # The wishes.

    def recommend(self) -> None:
        """Ask for a slate, somehow."""
        self._slate("/v1/recommendations", self._wish())

    def rank(self) -> None:
        """Ask for an order of one's own candidates."""
        candidates = self._random.sample(ITEMS, self._random.randint(1, 150))
        self._slate("/v1/rank", {"candidates": candidates, **self._asker(), **self._options()})

    def similar(self) -> None:
        """Ask for items like some."""
        seeds = self._random.sample(ITEMS, self._random.randint(1, 3))
        self._slate("/v1/similar", {"seed_items": seeds, **self._options()})

    def batch(self) -> None:
        """Ask for several slates at once."""
        queries = [self._wish() for _ in range(self._random.randint(1, 12))]
        for query in queries:
            query.pop("deadline_ms")
        retired = self._ledger.retired()
        body = {"queries": queries, "deadline_ms": 5000}
        reply = self._line.ask("POST", "/v1/recommendations/batch", body)
        if reply is None or not self._good(reply):
            return
        slates = reply.json["slates"]
        self._ledger.expect(len(slates) == len(queries), "a batch of another length", reply.body)
        versions = {slate["model_version"] for slate in slates}
        self._ledger.expect(len(versions) == 1, "one batch of two models", versions)
        for query, slate in zip(queries, slates, strict=False):
            self._judge(slate, query, retired, reply)

    def click(self) -> None:
        """Tell of events, and find them in the next slate: what was clicked is not shown again."""
        user, now_ms = self._visitor(), time.time_ns() // 1_000_000
        seen = self._shown[-3:]
        events: list[dict[str, Any]] = [
            {
                "user_id": user,
                "item_id": item,
                "type": "click",
                "timestamp_ms": now_ms,
                "event_id": f"{request_id}-{self._events}-{place}",
                "request_id": request_id,
            }
            for place, (request_id, item) in enumerate(seen)
        ]
        if not events:
            return
        self._events += len(events)
        reply = self._line.ask("POST", "/v1/events", {"events": events})
        if reply is None or not self._good(reply, "events-not-stored"):
            return
        self._ledger.expect(reply.json["stored"] == len(events), "events not new", reply.body)
        for event in events:
            entry = history_entry(event["item_id"], "click", now_ms)
            self._ledger.events.append((user, entry, event["event_id"], now_ms))
        items = {event["item_id"] for event in events}
        wish = {"user_id": user, "limit": 20, "deadline_ms": 5000}
        then = self._line.ask("POST", "/v1/recommendations", wish)
        if then is not None and self._good(then):
            slate = then.json
            stages = {part["stage"] for part in slate["degraded"]}
            again = items & {item["item_id"] for item in slate["items"]}
            if "context" not in stages:
                self._ledger.expect(not again, "a click that the next slate ignores", again)

    def page(self) -> None:
        """Ask for a slate and the page after it: nothing comes twice."""
        wish = {"user_id": self._random.choice(USERS), "limit": 5, "deadline_ms": 5000}
        first = self._slate("/v1/recommendations", wish)
        if first is None or "next" not in first:
            return
        second = self._slate("/v1/recommendations", {**wish, "after": first["next"]})
        if second is not None:
            both = [item["item_id"] for slate in (first, second) for item in slate["items"]]
            self._ledger.expect(len(both) == len(set(both)), "two pages with one item", both)

    def explain(self) -> None:
        """Ask why, and then what would have been."""
        slate = self._slate("/v1/recommendations", {**self._wish(), "debug": True})
        if slate is None:
            return
        self._ledger.expect("debug" in slate, "no word of how it came about")
        reply = self._line.ask("POST", "/v1/replay", {"request_id": slate["request_id"]})
        if reply is not None:
            known = reply.status in {200, 404, 409} or self._may_refuse(reply)
            self._ledger.expect(known, f"replay: {reply.status}", reply.body)

    def pages(self) -> None:
        """Look at what there is to look at."""
        path = self._random.choice(
            (
                "/v1/models",
                "/v1/experiments",
                "/v1/requests",
                "/schema/openapi.json",
                "/health/live",
            )
        )
        reply = self._line.ask("GET", path)
        if reply is not None:
            self._ledger.expect(
                reply.status == 200 or self._may_refuse(reply),
                f"{path}: {reply.status}",
                reply.body,
            )

    # What they are made of.

    def _visitor(self) -> str:
        """Return a user of this client's own, few of whose events are many enough to be cut off."""
        return f"soak-{self._seed}-{self._events // EVENTS_PER_USER}"

    def _asker(self) -> dict[str, Any]:
        draw = self._random.random()
        if draw < 0.6:
            return {"user_id": self._random.choice(USERS)}
        if draw < 0.7:
            return {"user_id": f"nobody-{self._random.randrange(1000)}"}
        return {"session": self._random.sample(ITEMS, self._random.randint(1, 8))}

    def _options(self) -> dict[str, Any]:
        found: dict[str, Any] = {"deadline_ms": 5000, "limit": self._random.randint(1, 40)}
        if text := self._random.choice(FILTERS):
            found["filter"] = text
        if self._random.random() < 0.3:
            found["exclude"] = self._random.sample(ITEMS, 20)
        if self._random.random() < 0.2:
            found["diversity"] = 0.5
        if self._random.random() < 0.1:
            found["boost"] = {"genre:even": 1.5}
        return found

    def _wish(self) -> dict[str, Any]:
        wish = {**self._asker(), **self._options()}
        if self._random.random() < 0.2:
            wish["surface"] = "ruled"
        return wish

    def _slate(self, path: str, wish: dict[str, Any]) -> Any:
        """Ask for one slate and judge it; return it, None where there is none."""
        retired = self._ledger.retired()
        reply = self._line.ask("POST", path, wish)
        if reply is None or not self._good(reply):
            return None
        slate = reply.json
        self._judge(slate, wish, retired, reply)
        return slate

    def _judge(self, slate: Any, wish: dict[str, Any], retired: set[str], reply: Reply) -> None:
        expect = self._ledger.expect
        items = [item["item_id"] for item in slate["items"]]
        expect(len(items) == len(set(items)), "an item twice", items)
        expect(len(items) <= wish.get("limit", 200), "more items than asked for", len(items))
        excluded = set(wish.get("exclude", ())) & set(items)
        expect(not excluded, "an excluded item", excluded)
        gone = self._ledger.still_retired(retired & set(items))
        expect(not gone, "a retired item", f"{gone} in {slate['request_id']}")
        if "candidates" in wish:
            expect(set(items) <= set(wish["candidates"]), "another's candidate", items)
        version = slate["model_version"]
        expect(
            self._ledger.was_served(version, reply.sent_s, reply.received_s),
            "a version that was not served",
            version,
        )
        said = {item["properties"].get("world") for item in slate["items"]}
        own = self._stage.worlds.get(version)
        expect(said <= {own, PUT}, "items of two models in one slate", f"{version}: {said}")
        scores = [item["score"] for item in slate["items"]]
        expect(all(abs(score) < 1e9 for score in scores), "a score that is none", scores)
        self._ledger.note_degraded(
            [f"{part['stage']}:{part['reason']}" for part in slate["degraded"]]
        )
        self._shown = [*self._shown, *((slate["request_id"], item) for item in items[:2])][-RECENT:]

    def _good(self, reply: Reply, refused: str | None = None) -> bool:
        """Judge what every answer has; return whether it is a 200."""
        request_id = reply.headers.get("x-request-id", "")
        fresh = bool(request_id) and self._ledger.note_request_id(request_id)
        self._ledger.expect(fresh, "a request id twice, or none", request_id)
        if reply.status == 200:
            self._add_up(reply.headers["server-timing"])
            return True
        allowed = self._may_refuse(reply) or (
            reply.status == 503
            and reply.code == refused
            and self._ledger.was_away(reply.sent_s, reply.received_s)
        )
        self._ledger.expect(allowed, f"status {reply.status}", reply.body)
        return False

    def _add_up(self, told: str) -> None:
        timing = {name: float(ms) for name, ms in TIMING.findall(told)}
        total = timing.pop("total")
        longest = total + ROUNDING_MS * (len(timing) + 1)
        self._ledger.expect(sum(timing.values()) <= longest, "spans longer than the total", told)

    def _may_refuse(self, reply: Reply) -> bool:
        """Tell whether it is what a busy service says."""
        return reply.status == 503 and reply.code == "overloaded" and "retry-after" in reply.headers


def seeds(stage: Stage, ledger: Ledger, stop: threading.Event, count: int) -> Sequence[Client]:
    """Return so many clients, each of another chance."""
    return [Client(stage, ledger, seed, stop) for seed in range(count)]
