"""Predict latency under load from one client's measurements, and hold the prediction to the truth.

    python -m benchmarks.capacity [--short | --tiny] [--json]

The model: every event loop is a queue with one server (M/G/1, first come first served, simulated
by Lindley's recursion), connections are spread evenly, so each loop gets its share of Poisson
arrivals. How long a request occupies its loop is drawn from W1's latencies at one request in
flight: what the client and the kernel add is counted in, which errs on the safe side. The same
server is then driven open-loop, and p50 and p99 are compared at each load. From the model follow
the rates that machines of several sizes keep at a p99 of 25 ms.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import servers
from benchmarks.bars import P99_LIMIT_MS
from benchmarks.client import arrivals, closed_loop, open_loop
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import Server
from benchmarks.standard import Ground, ground, request, wishes

LOADS = (0.2, 0.4, 0.6, 0.7, 0.8, 0.9)
MACHINES = (1, 3, 10, 100, 1000)
LOOPS = (1, 2, 4, 8, 16, 32)
REPLICATIONS = 31

type Times = NDArray[np.float64]
"""Seconds, float64[n]."""


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    items: int
    trees: int
    repetitions: int
    seconds: float


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    return options.pick(
        full=Plan(100_000, 200, 7, 5.0),
        short=Plan(20_000, 200, 3, 2.0),
        tiny=Plan(2_000, 5, 1, 0.2),
    )


def waits(gaps: Times, services: Times) -> Times:
    """Return how long each arrival of a single-server queue waits, float64[n].

    Lindley's recursion W[i+1] = max(0, W[i] + S[i] - A[i+1]), solved at once: the random walk less
    its running minimum.
    """
    steps = np.concatenate(([0.0], services[:-1] - gaps[1:]))
    walk = np.cumsum(steps)
    found: Times = walk - np.minimum.accumulate(np.minimum(walk, 0.0))
    return found


def predict(
    services: Times, rate: float, loops: int, arrived: int = 200_000, runs: int = 1
) -> dict[str, float]:
    """Return p50 and p99 in milliseconds at ``rate`` requests a second over so many loops.

    The median over ``runs`` of ``arrived`` requests per loop, each beginning with an empty queue:
    as short as a measurement, for near capacity a queue grows for as long as one looks.
    """
    rng = np.random.default_rng(1)
    found = []
    for _ in range(runs):
        drawn = rng.choice(services, arrived)
        gaps = rng.exponential(loops / rate, arrived)
        found.append(np.quantile(waits(gaps, drawn) + drawn, [0.5, 0.99]) * 1e3)
    p50, p99 = np.median(found, axis=0).tolist()
    return {"p50_ms": p50, "p99_ms": p99}


def most(services: Times, loops: int, limit_ms: float = P99_LIMIT_MS) -> float:
    """Return the highest rate whose predicted p99 stays within the limit, to 1 %."""
    low, high = 0.0, loops / float(services.mean())
    while high - low > 0.01 * high:
        middle = (low + high) / 2
        within = predict(services, middle, loops)["p99_ms"] <= limit_ms
        low, high = (middle, high) if within else (low, middle)
    return low


def serve(stack: ExitStack, base: Ground, loops: int, probe: bytes) -> Server:
    """Start Braid without helpers: a request occupies one loop, as it does on a busy machine."""
    say(f"start Braid with {loops} loops")
    port = servers.free_port()
    flags = ["--redis", base.url, "--artifact", str(base.world.artifact)]
    command = servers.braid(port, *flags, "--loops", str(loops), "--crew", "0")
    log = base.world.folder / f"{port}.log"
    return stack.enter_context(servers.serving(f"{loops} loops", command, port, probe, log))


def check(base: Ground, todo: Plan, loops: int) -> tuple[Times, dict[str, Any]]:
    """Measure one request at a time, predict, then drive each load; interleaved repetitions."""
    requests = [request(wish) for wish in wishes(base.world, 32)]
    kept: list[Times] = []
    measured: dict[float, list[dict[str, float]]] = {load: [] for load in LOADS}
    with ExitStack() as stack:
        server = serve(stack, base, loops, requests[0])
        closed_loop(server.address, requests, loops, todo.seconds)
        first = closed_loop(server.address, requests, 1, todo.seconds).latencies_s
        capacity = loops / float(first.mean())
        for repetition in range(todo.repetitions):
            kept.append(closed_loop(server.address, requests, 1, todo.seconds).latencies_s)
            for load in LOADS:
                say(f"{loops} loops, repetition {repetition + 1}/{todo.repetitions}, {load:.0%}")
                schedule = arrivals(load * capacity, todo.seconds, repetition)
                run = np.sort(open_loop(server.address, requests, schedule).latencies_s) * 1e3
                measured[load].append(
                    {
                        "p50_ms": float(run[len(run) // 2]),
                        "p99_ms": float(run[min(len(run) - 1, int(np.ceil(0.99 * len(run))) - 1)]),
                    }
                )
    points = []
    for load, runs in measured.items():
        rate = load * capacity
        arrived = max(1, round(rate * todo.seconds / loops))
        guesses = [predict(services, rate, loops, arrived, REPLICATIONS) for services in kept]
        told = {key: median(guess[key] for guess in guesses) for key in guesses[0]}
        truth = {key: median(run[key] for run in runs) for key in told}
        errors = {f"{key}_error": told[key] / truth[key] - 1 for key in told}
        point = {"load": load, "rate": rate, "measured": truth, "predicted": told}
        points.append({**point, **errors})
    services = sorted(kept, key=np.mean)[len(kept) // 2]  # of the repetition in the middle
    return services, {
        "service_ms": {
            "mean": float(services.mean() * 1e3),
            "p50": float(np.median(services) * 1e3),
            "p99": float(np.quantile(services, 0.99) * 1e3),
        },
        "points": points,
    }


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    todo = plan(options)
    with ExitStack() as stack:
        base = ground(stack, todo.items, todo.trees)
        services, one = check(base, todo, 1)
        _, two = check(base, todo, 2)
    rates = {loops: most(services, loops) for loops in LOOPS}
    return {
        "checked": {"1": one, "2": two},
        "limit_ms": P99_LIMIT_MS,
        "sizes": [
            {
                "loops": loops,
                "rate": rate,
                "machines": {str(machines): rate * machines for machines in MACHINES},
            }
            for loops, rate in rates.items()
        ],
    }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
