"""This machine: a client, a proxy, a store and replicas, each a thread or more, on shared cores."""

from collections.abc import Iterator
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
class Costs:
    """What one request takes, in seconds, measured with next to no load.

    A thread that slept takes ``cold`` seconds, one that has more to do takes ``warm`` ones: it
    need not be woken, and its caches are its own (P. D. Welch, "On a Generalized M/G/1 Queuing
    Process in Which the First Customer of Each Busy Period Receives Exceptional Service", 1964).
    ``loop_cold`` and ``loop_warm`` are samples, float64[n]. ``idle`` is what passes on no core.
    """

    client_cold: float
    client_warm: float
    proxy_cold: float
    proxy_warm: float
    store: float
    loop_cold: Seconds
    loop_warm: Seconds
    idle: float

    @property
    def warm(self) -> float:
        """Return a core's seconds per request of all threads together, where all are busy."""
        return self.client_warm + self.proxy_warm + self.store + float(self.loop_warm.mean())

    def most(self, replicas: int, cores: int) -> float:
        """Return the requests per second at which the loops, or else the cores, are all busy."""
        return min(replicas / float(self.loop_warm.mean()), cores / self.warm)


def latencies(
    costs: Costs, rate: float, replicas: int, cores: int, requests: int, seed: int
) -> Seconds:
    """Simulate an open loop of so many requests that begins with empty queues; float64[n].

    Each request visits client, proxy, loop, store, loop, proxy, client. The proxy sends it to the
    replica with the fewest (`balance leastconn`), those with as few in turn.
    """
    env, rng = simpy.Environment(), np.random.default_rng(seed)
    shared = Cores(env, cores)
    client, proxy, store = (Station(env, servers, shared.work) for servers in (1, cores, 1))
    loops = [Station(env, 1, shared.work) for _ in range(replicas)]
    turns = count()
    took = np.zeros(requests)
    cold = rng.choice(costs.loop_cold, requests).tolist()
    warm = rng.choice(costs.loop_warm, requests).tolist()
    gaps = rng.exponential(1 / rate, requests).tolist()

    def client_s() -> float:
        return (costs.client_warm if client.present else costs.client_cold) / 2

    def proxy_s() -> float:
        return (costs.proxy_warm if proxy.present else costs.proxy_cold) / 2

    def request(number: int) -> Process:
        began = env.now
        yield from client.visit(client_s())
        yield from proxy.visit(proxy_s())
        yield env.timeout(costs.idle)
        turn = next(turns)
        place = min(range(replicas), key=lambda at: (loops[at].present, (at - turn) % replicas))
        loop = loops[place]
        service_s = warm[number] if loop.present else cold[number]
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
    costs: Costs, rate: float, replicas: int, cores: int, requests: int, runs: int
) -> dict[str, float]:
    """Return p50 and p99 in ms: medians over runs as short as the measured ones.

    Near capacity a queue grows for as long as one looks.
    """
    found = [
        np.quantile(latencies(costs, rate, replicas, cores, requests, seed), [0.5, 0.99]) * 1e3
        for seed in range(runs)
    ]
    p50, p99 = np.median(found, axis=0).tolist()
    return {"p50_ms": p50, "p99_ms": p99}
