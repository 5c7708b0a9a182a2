"""R5: clients that vanish at any moment; whoever stays gets what is theirs, and nothing else."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from features import keys
from features.history import history_entry
from service.app import Service
from service.embedded import EmbeddedValkey
from service.running import running
from service.settings import Settings
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.proxy import Proxy
from tests.faults.toxics import CLEAN, Toxics
from tests.features.shelves import until
from tests.filling import fill
from tests.service.conftest import QUIET, Client
from tests.service.models import publish
from tests.stores import redis_of

ITEMS, GROUP, CLIENTS = 400, 20, 6
USERS = ITEMS // GROUP
LEAVES = 0.8
LONGEST_STAY_S = 0.006

pytestmark = pytest.mark.fault("R5", "requests cancelled at random points")


def group(user: int) -> set[str]:
    """Return the items that this user has not consumed: all that a slate of theirs may show."""
    return {f"i{item}" for item in range(user * GROUP, (user + 1) * GROUP)}


@dataclass(frozen=True)
class World:
    """A service over a proxy, and users each of whom can be known by their slate."""

    service: Service
    proxy: Proxy


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("r05")
    publish(folder, world="r05", items=ITEMS)
    with ExitStack() as stack:
        valkey = stack.enter_context(EmbeddedValkey())  # one server behind the proxy
        fill(valkey, folder)
        with redis_of(valkey.url) as store, store.pipeline() as pipeline:
            for user in range(USERS):
                seen = sorted({f"i{item}" for item in range(ITEMS)} - group(user))
                entries = [history_entry(item, "view", 1000 - at) for at, item in enumerate(seen)]
                pipeline.delete(keys.user_history(f"own-{user}"))
                pipeline.rpush(keys.user_history(f"own-{user}"), *entries)
            pipeline.execute()
        proxy = stack.enter_context(Proxy(valkey.url))
        # Without a near cache every request waits for the store twice.
        settings = Settings(
            artifact=folder, redis=proxy.url, port=0, loops=2, near_cache_mib=0, fetch_budget_ms=50
        )
        service = stack.enter_context(running(settings, QUIET))
        yield World(service, proxy)


@dataclass
class Seen:
    """What one client sent, and what it was told."""

    sent: int = 0
    left: int = 0
    checked: int = 0
    strangers: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)


def wish(random: Random) -> tuple[str, dict[str, Any]]:
    """Draw a request whose answer can be known for its own."""
    users = [random.randrange(USERS) for _ in range(3)]
    kind, patient = random.randrange(3), {"deadline_ms": 5000}
    if kind == 0:
        return "/v1/recommendations", {"user_id": f"own-{users[0]}", "limit": 20, **patient}
    if kind == 1:
        brought = sorted(group(users[1]))
        own = {"user_id": f"own-{users[0]}", "candidates": brought}
        return "/v1/rank", {**own, "limit": GROUP, **patient}
    queries = [{"user_id": f"own-{user}", "limit": 20} for user in users]
    return "/v1/recommendations/batch", {"queries": queries, **patient}


def check(path: str, body: dict[str, Any], answer: dict[str, Any], seen: Seen) -> None:
    queries = body.get("queries", [body])
    for query, slate in zip(queries, answer.get("slates", [answer]), strict=True):
        ids = {item["item_id"] for item in slate["items"]}
        unread = "context" in {note["stage"] for note in slate["degraded"]}
        if path == "/v1/rank":
            own = set(query["candidates"])
        elif unread:  # of whom nothing could be read is shown what is popular
            seen.strangers += 1
            continue
        else:
            own = group(int(query["user_id"].removeprefix("own-")))
        seen.checked += 1
        if not ids or not ids <= own:
            seen.wrong.append(f"{path} {query['user_id']}: {sorted(ids - own)} {slate['degraded']}")


def vanish(url: str, seed: int, count: int, seen: Seen) -> None:
    """Ask so often; leave most of the time, in the midst of the request, of the work, or after."""
    address, random = urlsplit(url), Random(seed)
    while seen.sent < count:
        connection = socket.create_connection((address.hostname or "", address.port or 0), 30)
        with connection, connection.makefile("rb") as answers:
            for _ in range(random.randrange(1, 6)):
                path, body = wish(random)
                raw = json.dumps(body).encode()
                head = f"POST {path} HTTP/1.1\r\nhost: braid\r\ncontent-type: application/json\r\n"
                whole = f"{head}content-length: {len(raw)}\r\n\r\n".encode() + raw
                seen.sent += 1
                if random.random() < LEAVES:
                    seen.left += 1
                    leave(connection, whole, random)
                    break
                connection.sendall(whole)
                status, answer = read(answers)
                if status == 503:  # there was no room, and it was told so
                    seen.refused += 1
                    break
                assert status == 200, answer
                check(path, body, answer, seen)


def leave(connection: socket.socket, whole: bytes, random: Random) -> None:
    """Send all of a request, or two in a row, or a part; stay a moment; go, politely or not."""
    part = random.random()
    if part < 0.1:
        whole = whole[: random.randrange(1, len(whole))]
    elif part < 0.3:
        whole = 2 * whole
    connection.sendall(whole)
    time.sleep(random.uniform(0, LONGEST_STAY_S))
    if random.random() < 0.5:  # a reset in place of an end
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def read(answers: Any) -> tuple[int, dict[str, Any]]:
    status, length = int(answers.readline().split()[1]), 0
    while (line := answers.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body: dict[str, Any] = json.loads(answers.read(length))
    return status, body


@pytest.mark.parametrize(
    ("trouble", "toxics"),
    [
        ("no trouble", CLEAN),
        ("Redis 3 +- 3 ms away", Toxics(latency=3, jitter=3)),
        ("Redis about as slow as the budget", Toxics(latency=48, jitter=10)),
    ],
)
def test_clients_that_vanish_take_nothing_with_them_and_leave_nothing_behind(
    world: World, figures: Figures, length: Length, trouble: str, toxics: Toxics
) -> None:
    count = length.pick(short=900, ci=10_000, full=10_000) // CLIENTS
    if toxics.latency > 10:
        count = length.pick(short=150, ci=1500, full=10_000) // CLIENTS
    seen, faults = [Seen() for _ in range(CLIENTS)], list[BaseException]()
    world.proxy.downstream = toxics

    def client(number: int) -> None:
        try:
            vanish(world.service.url, number, count, seen[number])
        except BaseException as fault:  # noqa: BLE001  told to the test's own thread
            faults.append(fault)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.proxy.downstream = CLEAN
    wrong = [line for one in seen for line in one.wrong]
    figures.note(f"{trouble}: requests", sum(one.sent for one in seen))
    figures.note(f"{trouble}: given up", sum(one.left for one in seen))
    figures.note(f"{trouble}: answers of users unread", sum(one.strangers for one in seen))
    figures.note(f"{trouble}: refused for want of room", sum(one.refused for one in seen))
    figures.hold(f"{trouble}: slates checked", sum(one.checked for one in seen), at_least=10)
    figures.hold(f"{trouble}: data of others", len(wrong), equal=0)
    assert not faults, faults
    assert not wrong, wrong[:5]


def test_afterwards_nobody_is_at_work_for_who_has_gone(world: World, figures: Figures) -> None:
    crew, client = world.service._crew, Client(world.service.url)
    until(lambda: len(crew.idle) == crew.size, 10)
    until(lambda: not any(caller.parties for caller in crew._callers), 10)
    until(lambda: client.recommend(user_id="own-3", limit=20).json["degraded"] == [], 10)
    for user in range(USERS):
        answer = client.recommend(user_id=f"own-{user}", limit=20, deadline_ms=5000)
        assert set(answer.ids) <= group(user)
    client.close()
    at_work = sum(caller.parties for caller in crew._callers)
    figures.hold("requests still at work afterwards", at_work, equal=0)
