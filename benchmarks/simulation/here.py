"""This machine: a client, a proxy, a store and replicas, each a thread or more, on shared cores."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import simpy
from numpy.typing import NDArray

from benchmarks.simulation.cores import Cores
from benchmarks.simulation.station import Process, Station

BEFORE_THE_STORE = 0.1
"""The share of a loop's work for a request that comes before its read of the user."""

type Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class Rested:
    """What a request takes of a loop that has done nothing for ``pause_s``; 0 where it is busy.

    ``loop_s`` and ``idle_s`` are samples, float64[n] and float64[m]; the latter are what passes on
    no core: wires, and who was to wake up late.
    """

    pause_s: float
    loop_s: Seconds
    idle_s: Seconds


@dataclass(frozen=True)
class Costs:
    """What one request takes of a core, in seconds, measured with next to no load.

    A thread that has more to do need not be woken, and has its caches to itself: ``rested``, by
    rising pause and beginning with the busy one, tells how much that is for a loop (P. D. Welch,
    "On a Generalized M/G/1 Queuing Process in Which the First Customer of Each Busy Period Receives
    Exceptional Service", 1964). So are ``busy_client`` and ``busy_proxy``.
    """

    client: float
    busy_client: float
    proxy: float
    busy_proxy: float
    store: float
    rested: tuple[Rested, ...]

    @property
    def busy_loop(self) -> float:
        """Return a loop's seconds per request when it has more to do."""
        return float(self.rested[0].loop_s.mean())

    def most(self, replicas: int, cores: int) -> float:
        """Return the requests per second at which the loops, or else the cores, are all busy."""
        everyone = self.busy_client + self.busy_proxy + self.store + self.busy_loop
        return min(replicas / self.busy_loop, cores / everyone)


class Loop:
    """A replica's one event loop, which gets up the slower the longer it has rested."""

    def __init__(
        self, env: simpy.Environment, costs: Costs, shared: Cores, rng: np.random.Generator
    ) -> None:
        self.station = Station(env, 1, shared.work)
        self._env = env
        self._rng = rng
        self._pauses = [one.pause_s for one in costs.rested]
        self._since_s = 0.0

    def rested(self) -> int:
        """Draw which of ``costs.rested`` it is in: of the two around it the nearer more often."""
        if self.station.present:
            return 0
        pause_s = self._env.now - self._since_s
        above = bisect_right(self._pauses, pause_s)
        if above == len(self._pauses):
            return above - 1
        low, high = self._pauses[above - 1], self._pauses[above]
        return above - int(self._rng.random() > (pause_s - low) / (high - low))

    def visit(self, service_s: float) -> Process:
        """Wait for one's turn, and be served."""
        yield from self.station.visit(service_s)
        self._since_s = self._env.now


def latencies(costs: Costs, due_s: Seconds, replicas: int, cores: int, seed: int) -> Seconds:
    """Simulate an open loop with a request at each moment of ``due_s``, all queues empty at first.

    ``due_s`` is float64[n], rising, and so is what is returned.

    Each request visits client, proxy, loop, store, loop, proxy, client. The proxy sends it to the
    replica with the fewest (`balance leastconn`), those with as few in turn.
    """
    env, rng = simpy.Environment(), np.random.default_rng(seed)
    shared = Cores(env, cores)
    client, proxy, store = (Station(env, servers, shared.work) for servers in (1, cores, 1))
    loops = [Loop(env, costs, shared, rng) for _ in range(replicas)]
    turns = count()
    took = np.zeros(len(due_s))
    drawn = [rng.choice(one.loop_s, len(due_s)).tolist() for one in costs.rested]
    passed = [rng.choice(one.idle_s, len(due_s)).tolist() for one in costs.rested]
    gaps = np.diff(due_s, prepend=0.0).tolist()

    def client_s() -> float:
        return (costs.busy_client if client.present else costs.client) / 2

    def proxy_s() -> float:
        return (costs.busy_proxy if proxy.present else costs.proxy) / 2

    def request(number: int) -> Process:
        began = env.now
        yield from client.visit(client_s())
        yield from proxy.visit(proxy_s())
        turn = next(turns)
        loop = min(
            (loops[(turn + after) % replicas] for after in range(replicas)),
            key=lambda one: one.station.present,
        )
        state = loop.rested()
        yield env.timeout(passed[state][number])
        service_s = drawn[state][number]
        yield from loop.visit(BEFORE_THE_STORE * service_s)
        yield from store.visit(costs.store)
        yield from loop.visit((1 - BEFORE_THE_STORE) * service_s)
        yield from proxy.visit(proxy_s())
        yield from client.visit(client_s())
        took[number] = env.now - began

    def arrive() -> Iterator[simpy.Event]:
        for number, gap in enumerate(gaps):
            yield env.timeout(gap)
            env.process(request(number))

    env.process(arrive())
    env.run()
    return took


def predict(
    costs: Costs, schedules: Sequence[Seconds], replicas: int, cores: int, runs: int
) -> dict[str, float]:
    """Return p50 and p99 in ms: medians over so many runs of each of the measured schedules.

    The very arrivals, for the p99 of seconds follows the few densest moments of a schedule: of two
    drawn alike the one may have twice that of the other.
    """
    found = [
        np.quantile(latencies(costs, due_s, replicas, cores, seed), [0.5, 0.99]) * 1e3
        for due_s in schedules
        for seed in range(runs)
    ]
    p50, p99 = np.median(found, axis=0).tolist()
    return {"p50_ms": p50, "p99_ms": p99}
