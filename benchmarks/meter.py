"""One load against one server: latencies, and what it cost in CPU."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.client import Run
from benchmarks.servers import Server


def figures(run: Run, server_cpu_s: float, store_cpu_s: float) -> dict[str, float]:
    """Return one run's figures."""
    milliseconds = np.sort(run.latencies_s) * 1e3
    n = len(milliseconds)
    return {
        "p50_ms": _quantile(milliseconds, 0.5),
        "p95_ms": _quantile(milliseconds, 0.95),
        "p99_ms": _quantile(milliseconds, 0.99),
        "per_second": run.per_second,
        "requests": n,
        "failed": run.failed,
        "server_cpu_ms": server_cpu_s / n * 1e3,
        "store_cpu_ms": store_cpu_s / n * 1e3,
        "client_cpu_ms": run.client_cpu_s / n * 1e3,
    }


def _quantile(ascending: NDArray[np.float64], share: float) -> float:
    """Return the value below which at least that share lies; no interpolation, for inf's sake."""
    return float(ascending[min(len(ascending) - 1, int(np.ceil(share * len(ascending))) - 1)])


def middle(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of every figure over the repetitions."""
    return {name: median(run[name] for run in runs) for name in runs[0]}


class Meter:
    """Runs one load against one server, and weighs what it cost."""

    def __init__(self, store: Server) -> None:
        self._store = store

    def __call__(self, server: Server, load: Callable[[], Run]) -> dict[str, float]:
        """Return the figures of ``load()``, which gives a `Run`."""
        before, store_before = server.cpu_s(), self._store.cpu_s()
        run = load()
        return figures(run, server.cpu_s() - before, self._store.cpu_s() - store_before)
