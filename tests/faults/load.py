"""Clients that go on asking while something is broken, and remember what they were told."""

import json
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import numpy as np

from benchmarks.client import Connection, post

DEGRADED = re.compile(rb'"degraded":(\[[^\]]*\])')
DEADLINE_MS = 200
PAUSE_S = 0.004
"""Between an answer and the next question: these clients are to see the service, not to fill it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request came to; ``status`` is 0 where the connection broke."""

    began_s: float
    took_s: float
    status: int
    degraded: tuple[str, ...]

    @property
    def ended_s(self) -> float:
        """Return when it was there, in monotonic seconds."""
        return self.began_s + self.took_s


class Load:
    """Asks for slates of many users, one request after the other on each of its connections."""

    def __init__(self, url: str, clients: int = 2, pause_s: float = PAUSE_S, **wanted: Any) -> None:
        address = urlsplit(url)
        self._address = (address.hostname or "", address.port or 0)
        self._pause_s = pause_s
        self._ended = threading.Event()
        self._answers = [list[Answer]() for _ in range(clients)]
        self._threads = [
            threading.Thread(target=self._ask, args=(number, _bodies(number, wanted)))
            for number in range(clients)
        ]

    @property
    def answers(self) -> list[Answer]:
        """Return all answers until now, by when they were asked for."""
        return sorted(
            (answer for mine in self._answers for answer in list(mine)),
            key=lambda answer: answer.began_s,
        )

    def since(self, start_s: float, stop_s: float = float("inf")) -> list[Answer]:
        """Return the answers to what was asked in between, in monotonic seconds."""
        return [answer for answer in self.answers if start_s <= answer.began_s < stop_s]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int, bodies: Sequence[bytes]) -> None:
        connection: Connection | None = None
        turn = 0
        while not self._ended.is_set():
            began = time.monotonic()
            status, degraded = 0, b"[]"
            try:
                connection = connection or Connection(self._address)
                reply = connection.ask(bodies[turn % len(bodies)])
                status = reply.status
                if found := DEGRADED.search(reply.body):
                    degraded = found[1]
            except OSError:
                if connection is not None:
                    connection.close()
                connection = None
            took = time.monotonic() - began
            told = () if degraded == b"[]" else _reasons(degraded)
            self._answers[number].append(Answer(began, took, status, told))
            turn += 1
            self._ended.wait(self._pause_s)
        if connection is not None:
            connection.close()


def _bodies(number: int, wanted: dict[str, Any]) -> list[bytes]:
    asked = {"limit": 10, "deadline_ms": DEADLINE_MS, **wanted}
    users = range(1 + number, 944, 7)
    bodies = [json.dumps({"user_id": str(user), **asked}).encode() for user in users]
    return [post("/v1/recommendations", body) for body in bodies]


def _reasons(degraded: bytes) -> tuple[str, ...]:
    return tuple(f"{part['stage']}:{part['reason']}" for part in json.loads(degraded))


def quantile_ms(answers: Sequence[Answer], share: float) -> float:
    """Return a quantile of how long they took, in milliseconds."""
    return float(np.quantile([answer.took_s for answer in answers], share)) * 1e3


def late(answers: Sequence[Answer], deadline_ms: float = DEADLINE_MS) -> int:
    """Return how many came after the deadline and 10 ms more."""
    return sum(answer.took_s > (deadline_ms + 10) / 1e3 for answer in answers)
