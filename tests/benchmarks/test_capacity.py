"""The capacity model is a queue, and knows what is known of queues."""

import math

import numpy as np
import pytest

from benchmarks.capacity import most, predict, waits


def test_waits_are_lindleys_recursion() -> None:
    rng = np.random.default_rng(0)
    gaps, services = rng.exponential(1.0, 500), rng.exponential(0.9, 500)
    wait, expected = 0.0, [0.0]
    for index in range(1, 500):
        wait = max(0.0, wait + services[index - 1] - gaps[index])
        expected.append(wait)
    assert waits(gaps, services) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("load", [0.3, 0.6])
def test_exponential_services_give_the_quantiles_of_m_m_1(load: float) -> None:
    """Time in an M/M/1 queue is exponential with the rate mu - lambda (Kleinrock, 1975)."""
    services = np.random.default_rng(1).exponential(1e-3, 100_000)
    told = predict(services, load * 1e3, loops=1)
    mean_ms = 1 / (1 - load)
    assert told["p50_ms"] == pytest.approx(mean_ms * math.log(2), rel=0.1)
    assert told["p99_ms"] == pytest.approx(mean_ms * math.log(100), rel=0.1)


def test_twice_the_loops_carry_twice_the_rate_at_the_same_latency() -> None:
    services = np.full(1000, 2e-3)
    assert predict(services, 200, loops=1) == predict(services, 400, loops=2)


def test_the_highest_rate_keeps_the_limit_and_a_tenth_more_does_not() -> None:
    services = np.full(1000, 2e-3)
    rate = most(services, loops=1, limit_ms=10)
    assert predict(services, rate, 1)["p99_ms"] <= 10 < predict(services, 1.1 * rate, 1)["p99_ms"]
