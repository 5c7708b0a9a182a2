"""The simulator agrees with what is known of queues, to the noise of its runs."""

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from benchmarks.client import arrivals
from benchmarks.servers import ROOT

sys.path += map(str, ROOT.glob(".venv-sim/lib/python*/site-packages"))
simpy = pytest.importorskip(
    "simpy", reason="the simulator has an environment of its own, which `make plan` makes"
)

# They import simpy.
from benchmarks.simulation.cores import Cores  # noqa: E402
from benchmarks.simulation.fleet import Fleet, Trouble, run  # noqa: E402
from benchmarks.simulation.here import Costs, Rested, latencies  # noqa: E402
from benchmarks.simulation.station import Process, Station  # noqa: E402

MEAN_S = 1.0
ARRIVALS, WARM = 20_000, 2_000

type Draw = Callable[[np.random.Generator, int], np.ndarray]


def exponential(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.exponential(MEAN_S, n)


def constant(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.full(n, MEAN_S)


def sojourns(load: float, servers: int, draw: Draw, cores: float | None = None) -> np.ndarray:
    """Return how long each was in a queue with Poisson arrivals, without the first ones."""
    env, rng = simpy.Environment(), np.random.default_rng(7)
    shared = None if cores is None else Cores(env, cores)
    station = Station(env, servers, None if shared is None else shared.work)
    services = draw(rng, ARRIVALS).tolist()
    took: list[float] = []

    def customer(service_s: float) -> Process:
        began = env.now
        yield from station.visit(service_s)
        took.append(env.now - began)

    def arrive() -> Iterator[object]:
        for gap, service_s in zip(
            rng.exponential(MEAN_S / (load * servers), ARRIVALS).tolist(), services, strict=True
        ):
            yield env.timeout(gap)
            env.process(customer(service_s))

    env.process(arrive())
    env.run()
    return np.array(took[WARM:])


def erlang_c(load: float, servers: int) -> float:
    """Return the share that waits in an M/M/c queue (A. K. Erlang, 1917)."""
    offered = load * servers
    last = offered**servers / math.factorial(servers) / (1 - load)
    return last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_m_m_1_has_its_mean_and_its_99th_percentile(load: float) -> None:
    took = sojourns(load, 1, exponential)
    mean_s = MEAN_S / (1 - load)
    assert took.mean() == pytest.approx(mean_s, rel=0.1)
    assert np.quantile(took, 0.99) == pytest.approx(mean_s * math.log(100), rel=0.15)


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_m_d_1_waits_half_as_long_as_m_m_1(load: float) -> None:
    """Pollaczek (1930) and Khinchin (1932): W = rho s / 2 (1 - rho) for a constant service s."""
    waited = sojourns(load, 1, constant) - MEAN_S
    assert waited.mean() == pytest.approx(load * MEAN_S / (2 * (1 - load)), rel=0.1)


@pytest.mark.parametrize(("load", "servers"), [(0.7, 2), (0.8, 3), (0.9, 8)])
def test_m_m_c_waits_as_erlang_says(load: float, servers: int) -> None:
    waited = sojourns(load, servers, exponential).mean() - MEAN_S
    expected = erlang_c(load, servers) * MEAN_S / (servers * (1 - load))
    assert waited == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("draw", [exponential, constant])
def test_a_core_shared_by_all_who_come_is_fair_whatever_they_want(draw: Draw) -> None:
    """M/G/1 under processor sharing: the mean depends on the mean of the service alone."""
    took = sojourns(0.6 / 1000, 1000, draw, cores=1)  # so many threads that none waits for one
    assert took.mean() == pytest.approx(MEAN_S / (1 - 0.6), rel=0.1)


def test_threads_that_share_fewer_cores_wait_as_if_there_were_fewer_servers() -> None:
    """Two servers' exponential work is served by two cores at the pace of M/M/2."""
    took = sojourns(1.4 / 1000, 1000, exponential, cores=2)
    expected = erlang_c(0.7, 2) * MEAN_S / (2 * (1 - 0.7)) + MEAN_S
    assert took.mean() == pytest.approx(expected, rel=0.1)


def fleet(**changes: Any) -> Fleet:
    """Return ten machines that a thousand requests a second keep half busy."""
    settings = {"machines": 10, "loops": 2, "proxies": 1, "proxy_threads": 2, "shards": 2}
    times = {"loop": np.full(10, 0.01), "proxy": 1e-4, "shard": 1e-4, "network": 1e-3}
    return Fleet(**{**settings, **times, **changes})


def test_a_fleet_is_as_busy_as_its_work_is_long() -> None:
    outcome = run(fleet(), 1000.0, 5000)
    assert outcome.loop_share == pytest.approx(0.5, rel=0.2)
    assert outcome.proxy_share == pytest.approx(0.05, rel=0.1)
    assert outcome.shard_share == pytest.approx(0.05, rel=0.1)
    assert outcome.took_s.min() == pytest.approx(0.01 + 2e-4 + 1e-3)


def test_machines_that_are_gone_cost_the_time_to_connect_until_it_is_noticed() -> None:
    gone = Trouble(lost=3, at_s=1.0, noticed_s=1.0, connect_s=0.5)
    outcome = run(fleet(), 1000.0, 4000, gone)
    assert outcome.p99_ms(stop_s=0.9) < 100
    assert outcome.p99_ms(1.0, 2.0) > 500
    assert outcome.p99_ms(2.5) < 300, "seven of ten do it, though at 71 %"


def test_one_user_s_requests_are_one_shard_s() -> None:
    outcome = run(fleet(shard=4e-4), 1000.0, 5000, Trouble(hot=0.8))
    assert outcome.shard_share == pytest.approx(0.4 * (0.8 + 0.2 / 2), rel=0.1)


def test_this_machine_answers_one_request_in_what_its_parts_take() -> None:
    rested = tuple(Rested(pause_s, np.array([2e-3]), np.array([5e-4])) for pause_s in (0.0, 0.01))
    costs = Costs(1e-4, 1e-4, 2e-4, 2e-4, 3e-4, rested)
    took = latencies(costs, arrivals(1.0, 50.0, 1), replicas=1, cores=2, seed=1)
    assert took == pytest.approx(1e-4 + 2e-4 + 3e-4 + 2e-3 + 5e-4)


def test_three_replicas_on_two_cores_carry_what_two_cores_do() -> None:
    rested = tuple(Rested(pause_s, np.full(9, 2e-3), np.zeros(1)) for pause_s in (0.0, 0.01))
    costs = Costs(1e-5, 1e-5, 1e-5, 1e-5, 1e-5, rested)
    assert costs.most(1, 2) == pytest.approx(500)
    assert costs.most(3, 2) == pytest.approx(2 / (2e-3 + 3e-5))
    due_s = arrivals(800.0, 5.0, 1)
    two, three = (np.quantile(latencies(costs, due_s, replicas, 2, 1), 0.5) for replicas in (2, 3))
    assert three == pytest.approx(two, rel=0.3)
