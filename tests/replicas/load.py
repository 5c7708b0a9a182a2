"""An open loop in the background: requests are due whatever becomes of the replicas."""

import json
import threading
from types import TracebackType
from typing import Self

import numpy as np

from benchmarks.client import Address, arrivals, post
from benchmarks.flood import Answers, flood
from tests.faults.swapping import DEADLINE_MS, wishes

PATIENCE_S = 30.0
CONNECTIONS = 32


def long() -> bytes:
    """Return a request longer than a proxy's buffer: what does not fit, it cannot send again."""
    candidates = [f"i{n}" for n in range(60)] + [f"a-longer-name-{n}" for n in range(900)]
    body = {"candidates": candidates, "limit": 10, "deadline_ms": DEADLINE_MS}
    return post("/v1/rank", json.dumps(body).encode())


class OpenLoad:
    """Poisson arrivals at a rate, for so many seconds; ``answers`` are there when the block ends.

    ``retries`` are the client's own, by the contract: what was refused or lost is sent again.
    """

    def __init__(self, at: Address, rate: float, seconds: float, retries: int = 0) -> None:
        self.answers: Answers
        self._thread = threading.Thread(target=self._run, args=(at, rate, seconds, retries))

    def _run(self, at: Address, rate: float, seconds: float, retries: int) -> None:
        schedule = arrivals(rate, seconds, seed=1)
        requests = [*wishes(), long()]
        self.answers = flood(at, requests, schedule, CONNECTIONS, retries, PATIENCE_S)

    @property
    def ended(self) -> bool:
        """Tell whether all has been sent."""
        return not self._thread.is_alive()

    @property
    def failed(self) -> int:
        """Return how many got no 200 in the end."""
        return int((self.answers.status != 200).sum())

    @property
    def sent_again(self) -> int:
        """Return how many the client had to send more than once."""
        return int((self.answers.tries > 1).sum())

    @property
    def p99_ms(self) -> float:
        """Return the 99th percentile from when each was due."""
        return float(np.quantile(self.answers.latency_s, 0.99, method="higher") * 1e3)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.join()
