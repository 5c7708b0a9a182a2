"""Prepare and score one request from 1-32 feature sources, five ways: what each kind of
concurrency brings, from all computing to all waiting.

    python -m benchmarks.parallelism [--short | --tiny] [--json]

A source takes as long alone as any other, of which a share is waiting (a remote call) and the
rest is preparing features in plain Python; then all features are scored. The question is that of
"Async I/O is not enough" (astronautas.github.io, 2024), whose 32 sources took 34.7 s with asyncio,
9.5 s with processes and 9.1 s with free threads. All ways must give the same scores.

`import service` comes first, for it makes the constants of what is imported after it immortal, as
it does for a shop's own scorer: two threads that share a mortal 0.999 are slower than one
(docs/decisions/0013). The other ways do not care.
"""  # noqa: D205  the first sentence needs its two lines

import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import service  # noqa: F401  see above
from benchmarks.line_peer import LinePeer
from benchmarks.machine import build
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import GIL_PYTHON
from benchmarks.sources import concurrent, pooled, prepare, serial

WAITING = (0.0, 0.25, 0.5, 0.75, 1.0)
CORES = os.process_cpu_count() or 1
GIL = GIL_PYTHON if GIL_PYTHON.exists() else Path(sys.executable)
"""A build with the GIL, or this one, which PYTHON_GIL=1 gives it back."""


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    sources: Sequence[int]
    waiting: Sequence[float]
    source_ms: float
    repetitions: int


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    return options.pick(
        full=Plan((1, 2, 4, 8, 16, 32), WAITING, 20.0, 5),
        short=Plan((1, 4, 32), WAITING[::2], 10.0, 3),
        tiny=Plan((2,), (0.5,), 2.0, 1),
    )


def rounds_per_ms() -> float:
    """Measure how fast this machine prepares, on one thread."""
    took = []
    for _ in range(5):
        start = perf_counter()
        prepare(0, 20_000)
        took.append(perf_counter() - start)
    return 20_000 / (min(took) * 1e3)


type Way = Callable[[int, float, int], float]


def timed(way: Way, sources: int, wait_s: float, rounds: int) -> tuple[float, float]:
    """Return the milliseconds of one request, and its score."""
    start = perf_counter()
    result = way(sources, wait_s, rounds)
    return (perf_counter() - start) * 1e3, result


def serve_with_gil(sources: int) -> None:
    """Be the process whose threads have a GIL: one request for each line of stdin."""
    with ThreadPoolExecutor(sources) as executor:
        for line in sys.stdin:
            wanted, wait_s, rounds = line.split()
            took = timed(partial(pooled, executor), int(wanted), float(wait_s), int(rounds))
            print(json.dumps(took), flush=True)


def with_gil(most: int) -> LinePeer:
    """Start a process whose threads have a GIL, and which times itself."""
    command = [str(GIL), "-m", "benchmarks.parallelism", "--with-gil", str(most)]
    return LinePeer(command, {"PYTHON_GIL": "1"})


def measure(options: Options) -> dict[str, Any]:
    """Run every way over every case, in turns."""
    todo, most = plan(options), max(plan(options).sources)
    speed = rounds_per_ms()
    # As many threads as sources, so that all wait at once. A process for each would be worse off
    # than two per core: more would only take turns, and each is a whole interpreter.
    with (
        with_gil(most) as gil,
        ThreadPoolExecutor(most) as threads,
        ProcessPoolExecutor(2 * CORES, get_context("spawn")) as processes,
    ):
        ways: dict[str, Callable[[int, float, int], tuple[float, float]]] = {
            "serial": partial(timed, serial),
            "asyncio": partial(timed, concurrent),
            "process pool": partial(timed, partial(pooled, processes)),
            "threads with the GIL": gil.ask,
            "free threads": partial(timed, partial(pooled, threads)),
        }
        for way in ways.values():
            way(most, 0.001, 10)  # starts its threads and processes
        cases = []
        for share in todo.waiting:
            for sources in todo.sources:
                wait_s = share * todo.source_ms / 1e3
                rounds = int((1 - share) * todo.source_ms * speed)
                cases.append(_case(ways, sources, share, wait_s, rounds, todo.repetitions))
    return {
        "source_ms": todo.source_ms,
        "cores": CORES,
        "python": build(),
        "gil": _gil(),
        "cases": cases,
    }


def _gil() -> str:
    """Say which GIL it is."""
    if GIL_PYTHON.exists():
        return build(GIL_PYTHON)
    return f"{build()}, with PYTHON_GIL=1"


def _case(
    ways: dict[str, Callable[[int, float, int], tuple[float, float]]],
    sources: int,
    share: float,
    wait_s: float,
    rounds: int,
    repetitions: int,
) -> dict[str, Any]:
    took: dict[str, list[float]] = {name: [] for name in ways}
    expected = serial(sources, 0.0, rounds)
    for repetition in range(repetitions):
        say(f"{sources} sources, {share:.0%} waiting, {repetition + 1}/{repetitions}")
        for name, way in ways.items():
            milliseconds, result = way(sources, wait_s, rounds)
            assert result == expected, (name, result, expected)
            took[name].append(milliseconds)
    return {
        "sources": sources,
        "waiting": share,
        "ms": {name: median(times) for name, times in took.items()},
    }


def main() -> None:
    """Measure and print; or be the process with the GIL."""
    if sys.argv[1:2] == ["--with-gil"]:
        serve_with_gil(int(sys.argv[2]))
        return
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
