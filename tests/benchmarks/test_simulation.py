"""The simulator agrees with what is known of queues, to the noise of its runs."""

import math
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from benchmarks.servers import ROOT

sys.path += map(str, ROOT.glob(".venv-sim/lib/python*/site-packages"))
simpy = pytest.importorskip(
    "simpy", reason="the simulator has an environment of its own, which `make plan` makes"
)

from benchmarks.simulation.cores import Cores  # noqa: E402  it imports simpy
from benchmarks.simulation.station import Process, Station  # noqa: E402  it imports simpy

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
