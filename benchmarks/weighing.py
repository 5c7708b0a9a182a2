"""What one request takes of whom, weighed with next to no load: one at a time, or a few."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from re import findall
from typing import Any

import numpy as np

from benchmarks.client import Connection
from benchmarks.flood import Answers, flood
from benchmarks.proxy import Proxy
from benchmarks.servers import Server
from benchmarks.simulation.here import Costs, Rested, Seconds

PAUSES_S = (0.0, 0.004, 0.012, 0.03)
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
    """Weigh proxy, store and replicas, less what they take when nothing is asked."""

    def __init__(self, proxy: Proxy, store: Server, replicas: Sequence[Server]) -> None:
        self._pids = {
            "proxy": [proxy.pid],
            "store": [store.pid],
            "replica": [replica.pid for replica in replicas],
        }
        self._quiet = self._seconds(lambda: time.sleep(QUIET_S), QUIET_S)

    def __call__(self, ask: Callable[[], object], requests: int) -> tuple[float, float, float]:
        """Return the seconds of a core per request: the proxy's, the store's, the replicas'."""
        began = time.monotonic()
        used = self._seconds(ask, 1.0)
        took_s = time.monotonic() - began
        proxy, store, replicas = (
            max(0.0, spent - took_s * self._quiet[name]) / requests for name, spent in used.items()
        )
        return proxy, store, replicas

    def _seconds(self, during: Callable[[], object], unit: float) -> dict[str, float]:
        before = {name: sum(map(_core_s, pids)) for name, pids in self._pids.items()}
        during()
        return {
            name: (sum(map(_core_s, pids)) - before[name]) / unit
            for name, pids in self._pids.items()
        }


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
            due = time.perf_counter() + pause_s  # as a schedule has it: who sleeps wakes up late
            time.sleep(pause_s)
            head = connection.ask(requests[number % len(requests)]).head
            took.append(time.perf_counter() - due)
            for name, spent in findall(rb"(\w+);dur=([\d.]+)", head):
                stages.setdefault(name.decode(), []).append(float(spent) / 1e3)
        cpu_s = time.process_time() - began

    with closing(Connection(proxy.address)) as connection:
        used = scales(ask, count)
    arrays = {name: np.array(spent) for name, spent in stages.items()}
    return Spent(cpu_s / count, *used, np.array(took), arrays)


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
    return Spent(answers[0].client_cpu_s / len(schedule), *used, gaps)


@dataclass
class Weighed:
    """What was measured, round after round: ``alone`` by replicas and by pause in seconds."""

    alone: dict[int, dict[float, list[Spent]]] = field(default_factory=dict)
    bursts: list[Spent] = field(default_factory=list)

    def add(self, replicas: int, pause_s: float, spent: Spent) -> None:
        """Note one more measurement of one request at a time."""
        self.alone.setdefault(replicas, {}).setdefault(pause_s, []).append(spent)

    def costs(self, replicas: int) -> Costs:
        """Return what a request takes of whom, with so many replicas.

        They were asked in turn, so each rested while the others worked; who shares the caches with
        more processes takes longer.
        """
        means = [_mean(runs) for runs in self.alone[replicas].values()]
        at_rest, busy = means[-1], _mean(self.bursts)
        rested = []
        for pause_s, one in zip(self.alone[replicas], means, strict=True):
            loop_s, idle_s = _loop(one)
            between_s = replicas * (pause_s + float(one.latency_s.mean()))
            rested.append(Rested(between_s - float(loop_s.mean()), loop_s, idle_s))
        return Costs(
            client=at_rest.client,
            busy_client=min(at_rest.client, busy.client),
            proxy=at_rest.proxy,
            busy_proxy=min(at_rest.proxy, busy.proxy),
            store=at_rest.store,
            rested=(Rested(0.0, busy.latency_s, rested[0].idle_s), *rested),
        )

    def told(self) -> dict[str, Any]:
        """Return what the report shows, of one replica."""
        means = {
            f"{pause_s * 1e3:g} ms apart": _mean(runs) for pause_s, runs in self.alone[1].items()
        }
        means["in bursts"] = _mean(self.bursts)
        at_rest, costs = _mean(self.alone[1][PAUSES_S[-1]]), self.costs(1)
        parts = ("client", "proxy", "store", "replica")
        return {
            "cpu_ms": {
                name: {part: getattr(one, part) * 1e3 for part in parts}
                for name, one in means.items()
            },
            "latency_ms": {name: shape(one.latency_s) for name, one in means.items()},
            "stages_ms": {name: shape(took) for name, took in at_rest.stages_s.items()},
            "loop_ms": {
                str(replicas): {
                    f"{one.pause_s * 1e3:.1f}": {
                        "loop": shape(one.loop_s),
                        "idle": shape(one.idle_s),
                    }
                    for one in self.costs(replicas).rested
                }
                for replicas in self.alone
            },
            "busy_loop_ms": (
                np.quantile(costs.rested[0].loop_s, np.linspace(0, 1, 201)) * 1e3
            ).tolist(),
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


def _loop(one: Spent) -> tuple[Seconds, Seconds]:
    """Return what each request took of the loop, and what passed on no core.

    The service's own times, without its wait for the store, have the shape; what a request took of
    the process' cores has the mean, for parsing and writing are outside of those times.
    """
    inside = one.stages_s["total"] - one.stages_s["context"]
    loop_s = inside + max(0.0, one.replica - float(inside.mean()))
    return loop_s, np.maximum(0.0, one.latency_s - one.client - one.proxy - one.store - loop_s)


def shape(seconds: Seconds) -> dict[str, float]:
    """Return mean, median and 99th percentile in milliseconds."""
    p50, p99 = np.quantile(seconds, [0.5, 0.99]).tolist()
    return {"mean": float(seconds.mean()) * 1e3, "p50": p50 * 1e3, "p99": p99 * 1e3}
