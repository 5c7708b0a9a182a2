"""What one request takes of whom, weighed of one replica with next to no load."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from re import findall
from typing import Any

import numpy as np

from benchmarks.client import Connection
from benchmarks.flood import Answers, flood
from benchmarks.options import say
from benchmarks.proxy import Proxy
from benchmarks.servers import Server
from benchmarks.simulation.here import Costs, Rested, Seconds

PAUSES_S = (0.0, 0.002, 0.025)
BURST, BURST_EVERY_S = 6, 0.1
QUIET_S = 0.3


@dataclass(frozen=True)
class Spent:
    """Seconds of a core per request by whom; how long each took; what the service said of it."""

    client: float
    proxy: float
    store: float
    replica: float
    latency_s: Seconds
    stages_s: dict[str, Seconds] = field(default_factory=dict)


class Scales:
    """Weigh one proxy, one replica and the store, less what they take when nothing is asked."""

    def __init__(self, proxy: Proxy, store: Server, replica: Server) -> None:
        self._pids = {"proxy": proxy.pid, "store": store.pid, "replica": replica.pid}
        self._quiet = self._seconds(lambda: time.sleep(QUIET_S), QUIET_S)

    def __call__(self, ask: Callable[[], object], requests: int) -> dict[str, float]:
        """Return each one's seconds of a core per request."""
        began = time.monotonic()
        used = self._seconds(ask, 1.0)
        took_s = time.monotonic() - began
        return {
            name: max(0.0, spent - took_s * self._quiet[name]) / requests
            for name, spent in used.items()
        }

    def _seconds(self, during: Callable[[], object], unit: float) -> dict[str, float]:
        before = {name: _core_s(pid) for name, pid in self._pids.items()}
        during()
        return {name: (_core_s(pid) - before[name]) / unit for name, pid in self._pids.items()}


def _core_s(pid: int) -> float:
    """Return a process' seconds on cores, to the microsecond: what a store takes are few."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def alone(scales: Scales, proxy: Proxy, requests: list[bytes], pause_s: float, count: int) -> Spent:
    """Ask for one thing at a time, each so long after the last answer."""
    took, stages = list[float](), dict[str, list[float]]()
    cpu_s = 0.0

    def ask() -> None:
        nonlocal cpu_s
        began = time.process_time()
        for number in range(count):
            time.sleep(pause_s)
            sent = time.perf_counter()
            head = connection.ask(requests[number % len(requests)]).head
            took.append(time.perf_counter() - sent)
            for name, spent in findall(rb"(\w+);dur=([\d.]+)", head):
                stages.setdefault(name.decode(), []).append(float(spent) / 1e3)
        cpu_s = time.process_time() - began

    with closing(Connection(proxy.address)) as connection:
        used = scales(ask, count)
    arrays = {name: np.array(spent) for name, spent in stages.items()}
    return Spent(cpu_s / count, **used, latency_s=np.array(took), stages_s=arrays)


def together(scales: Scales, proxy: Proxy, requests: list[bytes], bursts: int) -> Spent:
    """Ask for a few things at once; ``latency_s`` are the times between their answers."""
    starts = np.arange(1, 1 + bursts) * BURST_EVERY_S
    answers: list[Answers] = []
    schedule = np.repeat(starts, BURST)
    used = scales(
        lambda: answers.append(flood(proxy.address, requests, schedule, BURST)), len(schedule)
    )
    there = (answers[0].due_s + answers[0].latency_s).reshape(-1, BURST)
    gaps = np.diff(np.sort(there, axis=1), axis=1).ravel()
    return Spent(answers[0].client_cpu_s / len(schedule), **used, latency_s=gaps)


@dataclass
class Weighed:
    """What was measured of one replica, round after round."""

    by_pause: dict[float, list[Spent]] = field(default_factory=dict)
    bursts: list[Spent] = field(default_factory=list)

    def add(
        self, scales: Scales, proxy: Proxy, requests: list[bytes], count: int, bursts: int
    ) -> None:
        """Measure once more: so many requests at each pause, and so many bursts."""
        for pause_s in PAUSES_S:
            say(f"one request at a time, {pause_s * 1e3:g} ms apart")
            one = alone(scales, proxy, requests, pause_s, count)
            self.by_pause.setdefault(pause_s, []).append(one)
        say("bursts")
        self.bursts.append(together(scales, proxy, requests, bursts))

    def costs(self) -> Costs:
        """Return what a request takes of whom."""
        means = {pause_s: _mean(runs) for pause_s, runs in self.by_pause.items()}
        at_rest, busy = means[PAUSES_S[-1]], _mean(self.bursts)
        rested = [Rested(pause_s, *_loop(one)) for pause_s, one in means.items()]
        return Costs(
            client=at_rest.client,
            busy_client=min(at_rest.client, busy.client),
            proxy=at_rest.proxy,
            busy_proxy=min(at_rest.proxy, busy.proxy),
            store=at_rest.store,
            rested=(Rested(-1.0, busy.latency_s, rested[0].idle_s), *rested),
        )

    def told(self, costs: Costs) -> dict[str, Any]:
        """Return what the report shows."""
        means = {f"{pause_s * 1e3:g} ms apart": _mean(r) for pause_s, r in self.by_pause.items()}
        means["in bursts"] = _mean(self.bursts)
        at_rest = _mean(self.by_pause[PAUSES_S[-1]])
        parts = ("client", "proxy", "store", "replica")
        return {
            "cpu_ms": {
                name: {part: getattr(one, part) * 1e3 for part in parts}
                for name, one in means.items()
            },
            "latency_ms": {name: shape(one.latency_s) for name, one in means.items()},
            "stages_ms": {name: shape(took) for name, took in at_rest.stages_s.items()},
            "loop_ms": {f"{one.pause_s:g}": shape(one.loop_s) for one in costs.rested},
            "busy_loop_ms": (
                np.quantile(costs.rested[0].loop_s, np.linspace(0, 1, 201)) * 1e3
            ).tolist(),
            "idle_ms": [one.idle_s * 1e3 for one in costs.rested],
        }


def _mean(runs: list[Spent]) -> Spent:
    """Return means of what was spent, and all samples one after the other."""
    means = {
        part: float(np.mean([getattr(run, part) for run in runs]))
        for part in ("client", "proxy", "store", "replica")
    }
    return Spent(
        **means,
        latency_s=np.concatenate([run.latency_s for run in runs]),
        stages_s={
            name: np.concatenate([run.stages_s[name] for run in runs]) for name in runs[0].stages_s
        },
    )


def _loop(one: Spent) -> tuple[Seconds, float]:
    """Return what each request took of the loop, and what passed on no core.

    The service's own times, without its wait for the store, have the shape; what a request took of
    the process' cores has the mean, for parsing and writing are outside of those times.
    """
    inside = one.stages_s["total"] - float(one.stages_s["context"].mean())
    loop_s = inside + max(0.0, one.replica - float(inside.mean()))
    on_cores = one.client + one.proxy + one.store + float(loop_s.mean())
    return loop_s, max(0.0, float(one.latency_s.mean()) - on_cores)


def shape(seconds: Seconds) -> dict[str, float]:
    """Return mean, median and 99th percentile in milliseconds."""
    p50, p99 = np.quantile(seconds, [0.5, 0.99]).tolist()
    return {"mean": float(seconds.mean()) * 1e3, "p50": p50 * 1e3, "p99": p99 * 1e3}
