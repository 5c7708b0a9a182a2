"""A fleet: proxies in front, machines of event loops, shards of a store; failures and hot keys."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import simpy
from numpy.typing import NDArray

from benchmarks.simulation.station import Process, Station

type Seconds = NDArray[np.float64]

RETRY_S = 0.0005
"""Until a machine that is there has said that its process is not, and another one is asked."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What there is, and what a request takes of it, in seconds.

    ``loop`` are samples, float64[n], of which each request draws one; ``proxy`` and ``shard`` are
    what it takes of a proxy's thread and of the shard that has its user. ``network`` is all the
    time on wires.
    """

    machines: int
    loops: int
    proxies: int
    proxy_threads: int
    shards: int
    loop: Seconds = field(repr=False)
    proxy: float
    shard: float
    network: float


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """So many machines are lost at ``at_s``: proxies know it ``noticed_s`` later.

    Until then a request that is sent there is sent elsewhere after ``connect_s``: at once where a
    process was killed, after the proxy's time to connect where a machine is gone. ``hot`` is the
    share of the requests that are of one user.
    """

    lost: int = 0
    at_s: float = 0.0
    noticed_s: float = 0.5
    connect_s: float = RETRY_S
    hot: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """``due_s`` and ``took_s`` are float64[n]; shares of the busiest of each kind."""

    due_s: Seconds
    took_s: Seconds
    loop_share: float
    proxy_share: float
    shard_share: float

    def p99_ms(self, start_s: float = 0.0, stop_s: float = float("inf")) -> float:
        """Return the 99th percentile of what was due in between."""
        within = (self.due_s >= start_s) & (self.due_s < stop_s)
        return float(np.quantile(self.took_s[within], 0.99) * 1e3)


def run(fleet: Fleet, rate: float, requests: int, trouble: Trouble = Trouble()) -> Outcome:
    """Simulate Poisson arrivals that begin with empty queues.

    A proxy asks the less busy of two machines (`balance random(2)`; M. Mitzenmacher, "The Power of
    Two Choices in Randomized Load Balancing", 2001), and there it is a loop's by its connection.
    """
    env, rng = simpy.Environment(), np.random.default_rng(11)
    proxies = [Station(env, fleet.proxy_threads) for _ in range(fleet.proxies)]
    shards = [Station(env) for _ in range(fleet.shards)]
    machines = [[Station(env) for _ in range(fleet.loops)] for _ in range(fleet.machines)]
    due_s = np.cumsum(rng.exponential(1 / rate, requests))
    took_s = np.zeros(requests)
    service_s = rng.choice(fleet.loop, requests).tolist()
    homes = rng.integers(fleet.shards, size=requests)
    homes[rng.random(requests) < trouble.hot] = 0
    chosen = rng.random((requests, 4)).tolist()

    def alive(machine: int) -> bool:
        return machine >= trouble.lost or env.now < trouble.at_s

    def pick(first: float, second: float) -> int:
        # The lost ones are the first: who knows it draws from the others.
        known = trouble.lost if env.now >= trouble.at_s + trouble.noticed_s else 0
        two = [known + int(draw * (fleet.machines - known)) for draw in (first, second)]
        return min(two, key=lambda one: sum(loop.present for loop in machines[one]))

    def request(number: int) -> Process:
        began = env.now
        first, second, turn, at = chosen[number]
        yield from proxies[int(at * fleet.proxies)].visit(fleet.proxy)
        yield env.timeout(fleet.network)
        machine = pick(first, second)
        while not alive(machine):
            yield env.timeout(trouble.connect_s)
            machine = pick(*rng.random(2).tolist())
        yield from shards[homes[number]].visit(fleet.shard)
        yield from machines[machine][int(turn * fleet.loops)].visit(service_s[number])
        took_s[number] = env.now - began

    def arrive() -> Iterator[simpy.Event]:
        for number, due in enumerate(due_s.tolist()):
            yield env.timeout(due - env.now)
            env.process(request(number))

    env.process(arrive())
    env.run()
    loops = [sum(loop.busy_s for loop in machine) / fleet.loops for machine in machines]
    return Outcome(
        due_s,
        took_s,
        max(loops) / env.now,
        max(one.busy_s for one in proxies) / fleet.proxy_threads / env.now,
        max(one.busy_s for one in shards) / env.now,
    )
