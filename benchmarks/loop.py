"""Time two choices about event loops: where a request's stages run, and who chooses its loop.

    python -m benchmarks.loop [--short | --tiny] [--json]

One slow client asks for 5000 candidates, scored by a plain Python function, over and over, while
fast requests of 25 candidates arrive on the same loop by a schedule. The stages run in the loop's
own thread to completion (what Braid does), or in an executor's. Then a few keep-alive connections
against two loops, over and over: accepted by one thread that gives each to the loop with the
fewest, or spread by the kernel's hash (SO_REUSEPORT).
"""

import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import servers
from benchmarks.client import Connection, arrivals, closed_loop, open_loop
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import Server
from benchmarks.standard import Ground, ground, request, wishes

SCORER = "benchmarks.glue:score"
FAST, SLOW = 25, 5000
PLACES = {
    "in the loop's thread": None,
    "handed to one other thread": "handed-over",
    "handed to two other threads": "handed-over-2",
}
CHOOSERS = {"the loop with the fewest": None, "the kernel's hash": "hashed"}


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    items: int
    trees: int
    repetitions: int
    seconds: float
    rate: float
    trials: int


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    return options.pick(
        full=Plan(20_000, 200, 9, 2.0, 100, 30),
        short=Plan(20_000, 20, 3, 1.0, 100, 10),
        tiny=Plan(6_000, 5, 1, 0.2, 50, 2),
    )


def serve(stack: ExitStack, base: Ground, variant: str | None, probe: bytes, *flags: str) -> Server:
    """Start Braid, or it with another way from connection to stages."""
    port = servers.free_port()
    program = ["benchmarks.loop_variants", variant] if variant else ["service.cli"]
    command = [sys.executable, "-m", *program, "serve", "--port", str(port), "--redis", base.url]
    command += ["--artifact", str(base.world.artifact), *flags]
    log = base.world.folder / f"{port}.log"
    return stack.enter_context(servers.serving(variant or "braid", command, port, probe, log))


@contextmanager
def asking(server: Server, body: bytes | None) -> Iterator[list[float]]:
    """Ask for this over and over, one at a time; gives how long each took, in milliseconds."""
    took: list[float] = []
    over = threading.Event()

    def ask() -> None:
        with closing(Connection(server.address)) as connection:
            while body and not over.is_set():
                start = perf_counter()
                connection.ask(body)
                took.append((perf_counter() - start) * 1e3)

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield took
    finally:
        over.set()
        client.join()


def places(base: Ground, todo: Plan) -> dict[str, Any]:
    """Time fast requests beside a slow one, and alone, for each place where stages may run."""
    fast = [request(wish) for wish in wishes(base.world, 32, FAST)]
    slow = request(wishes(base.world, 1, SLOW)[0])
    with ExitStack() as stack:
        flags = ("--loops", "1", "--crew", "0", "--scorer", SCORER)
        rivals = {}
        for name, variant in PLACES.items():
            say(f"start {name}")
            rivals[name] = serve(stack, base, variant, fast[0], *flags)
            for one in (slow, *fast):  # every row into the near cache
                closed_loop(rivals[name].address, [one], 1, 0)
        found: dict[str, dict[str, list[dict[str, float]]]] = {name: {} for name in rivals}
        for repetition in range(todo.repetitions):
            schedule = arrivals(todo.rate, todo.seconds, repetition)
            for company, body in (("alone", None), ("beside a slow one", slow)):
                for name, server in rivals.items():
                    say(f"repetition {repetition + 1}/{todo.repetitions}: {name}, {company}")
                    with asking(server, body) as took:
                        latencies = open_loop(server.address, fast, schedule).latencies_s * 1e3
                    found[name].setdefault(company, []).append(
                        {
                            "p50_ms": float(np.median(latencies)),
                            "p99_ms": float(np.quantile(latencies, 0.99, method="higher")),
                            "slow_p50_ms": median(took) if took else 0.0,
                        }
                    )
    return {name: {co: _middle(runs) for co, runs in kept.items()} for name, kept in found.items()}


def choosers(base: Ground, todo: Plan) -> dict[str, Any]:
    """Open two, four and eight connections again and again; see what each loop gets to do."""
    fast = [request(wish) for wish in wishes(base.world, 32, FAST)]
    found: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        rivals = {}
        for name, variant in CHOOSERS.items():
            say(f"start {name}")
            rivals[name] = serve(stack, base, variant, fast[0], "--loops", "2")
            closed_loop(rivals[name].address, fast, 4, todo.seconds / 2)
        for connections in (2, 4, 8):
            runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in rivals}
            for trial in range(todo.trials):
                say(f"{connections} connections, trial {trial + 1}/{todo.trials}")
                for name, server in rivals.items():
                    before = loop_cpu_ns(server)
                    run = closed_loop(server.address, fast, connections, todo.seconds / 8)
                    worked = np.subtract(loop_cpu_ns(server), before)
                    p99 = float(np.quantile(run.latencies_s, 0.99, method="higher")) * 1e3
                    runs[name].append((float(worked.max() / worked.sum()), run.per_second, p99))
            for name, kept in runs.items():
                shares, rates, p99s = map(list, zip(*kept, strict=True))
                found.setdefault(name, {})[str(connections)] = {
                    "busier_loops_share": median(shares),
                    "one_loop_had_all": sum(share > 0.9 for share in shares) / len(shares),
                    "per_second": median(rates),
                    "per_second_worst": min(rates),
                    "p99_ms": median(p99s),
                }
    return found


def connecting_us(base: Ground, todo: Plan) -> dict[str, float]:
    """Time a new connection with one request on it."""
    fast = request(wishes(base.world, 1, FAST)[0])
    found = {}
    with ExitStack() as stack:
        for name, variant in CHOOSERS.items():
            server = serve(stack, base, variant, fast, "--loops", "2")
            found[name] = median(connect_and_ask(server, fast) for _ in range(todo.trials * 20))
    return found


def connect_and_ask(server: Server, body: bytes) -> float:
    """Connect, ask once, close; return microseconds."""
    start = perf_counter()
    connection = Connection(server.address)
    connection.ask(body)
    took = perf_counter() - start
    connection.close()
    return took * 1e6


def loop_cpu_ns(server: Server) -> list[int]:
    """Return how long each event loop's thread has run."""
    found = {}
    for task in Path(f"/proc/{server.pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        if re.fullmatch(r"braid-loop-\d+", name):
            found[name] = int((task / "schedstat").read_text().split()[0])
    return [found[name] for name in sorted(found)]


def _middle(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: median(run[key] for run in runs) for key in runs[0]}


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    todo = plan(options)
    with ExitStack() as stack:
        base = ground(stack, todo.items, todo.trees)
        return {
            "places": places(base, todo),
            "choosers": choosers(base, todo),
            "connecting_us": connecting_us(base, todo),
        }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
