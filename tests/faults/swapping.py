"""A service with small models to swap between, and clients that know every right answer."""

import json
import re
import selectors
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from benchmarks import servers
from benchmarks.client import Address, Connection, Reply, post
from benchmarks.servers import Server
from ranking.artifact import read_store
from service.load import load
from tests.service.models import publish
from tests.stores import new_store, redis_of

REQUEST_ID = re.compile(rb'"request_id": ?"[^"]*"')
VERSION = re.compile(rb'"model_version":"([^"]*)"')
SESSIONS = 8
DEADLINE_MS = 10_000
PATIENT: dict[str, Any] = {"longest_wait_ms": 0.0, "fetch_budget_ms": 5000.0}
"""Settings, and a deadline, with which nothing falls back and nobody is sent away however busy the
machine is: an answer is then known to the byte. What overload does has rows of its own."""


def address(url: str) -> Address:
    """Return where a URL leads."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def wishes() -> list[bytes]:
    """Return requests whose answers differ between any two models."""
    bodies = (
        {"session": [f"i{n}", f"i{n + 7}"], "limit": 10, "seed": n, "deadline_ms": DEADLINE_MS}
        for n in range(SESSIONS)
    )
    return [post("/v1/recommendations", json.dumps(body).encode()) for body in bodies]


def two_models(folder: Path) -> list[str]:
    """Publish two models of the same items, which show each item otherwise."""
    return [publish(folder, world=world, seed=seed) for seed, world in enumerate(("one", "two"))]


@contextmanager
def filled(folder: Path, version: str) -> Iterator[str]:
    """Keep the rows of a model's items; yield the address."""
    with new_store() as valkey:
        with redis_of(valkey.url) as client:
            load(client, read_store(folder / version), 1000, lambda *_: None)
        yield valkey.url


@contextmanager
def replica(folder: Path, version: str, redis: str, *flags: str) -> Iterator[Server]:
    """Serve in a process of its own."""
    port = servers.free_port()
    options = ["--artifact", str(folder / version), "--redis", redis, "--loops", "2", *flags]
    for name, value in PATIENT.items():
        options += [f"--{name.replace('_', '-')}", str(value)]
    command = servers.braid(port, *options)
    with servers.serving("braid", command, port, wishes()[0], folder / f"{port}.log") as server:
        yield server


class Operator:
    """One connection, for what an operator asks."""

    def __init__(self, at: Address) -> None:
        self._connection = Connection(at)
        self._connection.socket.settimeout(120)

    def ask(self, path: str, **body: Any) -> tuple[int, Any]:
        """Post; return the status and the answer."""
        reply = self._connection.ask(post(path, json.dumps(body).encode()))
        return reply.status, json.loads(reply.body)

    def activate(self, version: str) -> tuple[int, Any]:
        """Activate a version."""
        return self.ask("/v1/models/activate", version=version)

    def models(self) -> Any:
        """Return what `GET /v1/models` tells."""
        reply = self._connection.ask(b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n")
        return json.loads(reply.body)

    def serves(self) -> str:
        """Return the version that a slate is of now."""
        return version_of(self._connection.ask(wishes()[0]))

    def close(self) -> None:
        """Close."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def essence(reply: Reply) -> bytes:
    """Return an answer without what differs each time."""
    return REQUEST_ID.sub(b"", reply.body)


def version_of(reply: Reply) -> str:
    """Return the version that an answer states."""
    found = VERSION.search(reply.body)
    assert found, reply.body
    return found[1].decode()


def known(at: Address, requests: Sequence[bytes]) -> dict[str, list[bytes]]:
    """Return the answers of the model that serves now, by its version."""
    with closing(Connection(at)) as connection:
        replies = [connection.ask(wanted) for wanted in requests]
    assert all(reply.status == 200 for reply in replies), replies
    return {version_of(replies[0]): [essence(reply) for reply in replies]}


class Clients:
    """Ask all the time, each ``pause_s`` after its last answer, and judge every answer.

    An answer must be, byte for byte, the one of the version that it states: one that mixes two
    models differs from both.
    """

    def __init__(
        self, at: Address, count: int, answers: dict[str, list[bytes]], pause_s: float = 0.0
    ) -> None:
        self.failed: list[bytes] = []
        self.mixed: list[bytes] = []
        self.served = Counter[str]()
        self.took: list[tuple[float, float]] = []
        """When each was asked for, and when it was there: monotonic seconds."""
        self._answers = answers
        self._pause_s = pause_s
        self._pausing = deque[tuple[float, Connection]]()
        self._requests = wishes()
        self._ended = threading.Event()
        self._connections = [Connection(at) for _ in range(count)]
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(60)
        for connection in self._connections:
            connection.close()
        assert not self._thread.is_alive(), "an answer never came"

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for connection in self._connections:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
                self._send(connection)
            waiting = len(self._connections)
            while waiting:
                for key, _ in selector.select(self._pause_s / 4 if self._pausing else None):
                    try:
                        reply = key.data.receive()
                    except OSError as fault:
                        self.failed.append(repr(fault).encode())
                        selector.unregister(key.fileobj)
                        waiting -= 1
                        continue
                    if reply is not None:
                        self._judge(reply, key.data)
                        self._pausing.append((monotonic() + self._pause_s, key.data))
                while self._pausing and (
                    self._ended.is_set() or self._pausing[0][0] <= monotonic()
                ):
                    _, connection = self._pausing.popleft()
                    if self._ended.is_set():
                        waiting -= 1
                    else:
                        self._send(connection)

    def _send(self, connection: Connection) -> None:
        connection.index = (connection.index + 1) % len(self._requests)
        connection.due_s = monotonic()
        connection.send(self._requests[connection.index])

    def _judge(self, reply: Reply, connection: Connection) -> None:
        self.took.append((connection.due_s, monotonic()))
        if reply.status != 200:
            self.failed.append(reply.body)
            return
        version = version_of(reply)
        self.served[version] += 1
        if self._answers.get(version, [b""] * SESSIONS)[connection.index] != essence(reply):
            self.mixed.append(reply.body)


@contextmanager
def pair(folder: Path, redis: str) -> Iterator[tuple[Server, Server]]:
    """Serve the folder's first version by two processes with one pointer."""
    first = min(path.name for path in folder.iterdir() if path.is_dir())
    with ExitStack() as stack:
        yield (
            stack.enter_context(replica(folder, first, redis)),
            stack.enter_context(replica(folder, first, redis)),
        )
