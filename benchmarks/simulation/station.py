"""A queue: first come, first served by so many servers."""

from collections.abc import Callable, Generator
from typing import Any

import simpy

type Process = Generator[simpy.Event, Any]
type Work = Callable[[float], simpy.Event]
"""From seconds of service to what happens when they are over."""


class Station:
    """``servers`` that take time by the clock, or, where they share cores, by ``work``."""

    def __init__(self, env: simpy.Environment, servers: int = 1, work: Work | None = None) -> None:
        self.busy_s = 0.0
        self._servers = simpy.Resource(env, servers)
        self._work: Work = work or env.timeout

    @property
    def present(self) -> int:
        """Return how many are served or wait."""
        return int(self._servers.count) + len(self._servers.queue)

    def visit(self, service_s: float) -> Process:
        """Wait for one's turn, and be served."""
        with self._servers.request() as turn:
            yield turn
            self.busy_s += service_s
            yield self._work(service_s)
