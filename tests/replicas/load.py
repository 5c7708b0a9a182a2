"""An open loop in the background: requests are due whatever becomes of the replicas."""

import threading
from types import TracebackType
from typing import Self

import numpy as np

from benchmarks.client import Address, arrivals
from benchmarks.flood import Answers, flood
from tests.faults.swapping import wishes

PATIENCE_S = 30.0
CONNECTIONS = 32


class OpenLoad:
    """Poisson arrivals at a rate, for so many seconds; ``answers`` are there when the block ends.

    ``retries`` are the client's own, by the contract: what was refused or lost is sent again.
    """

    def __init__(self, at: Address, rate: float, seconds: float, retries: int = 0) -> None:
        self.answers: Answers
        self._thread = threading.Thread(target=self._run, args=(at, rate, seconds, retries))

    def _run(self, at: Address, rate: float, seconds: float, retries: int) -> None:
        schedule = arrivals(rate, seconds, seed=1)
        self.answers = flood(at, wishes(), schedule, CONNECTIONS, retries, PATIENCE_S)

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
