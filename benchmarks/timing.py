"""Time contestants fairly: in one process, turn by turn, with the machine written down."""

import gc
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np


@dataclass(frozen=True, slots=True)
class Figures:
    """Microseconds per call: the best, p50, p99, and CPU time of all threads; calls counted."""

    best_us: float
    p50_us: float
    p99_us: float
    cpu_us: float
    calls: int


type Clock = Callable[[float], list[float]]
"""Calls a contestant for so many seconds, five times at least; returns how long each call took."""


def interleave(
    contestants: Mapping[str, Callable[[], object]],
    *,
    repetitions: int = 7,
    seconds: float = 0.2,
    clocks: Mapping[str, Clock] | None = None,
) -> dict[str, Figures]:
    """Call each contestant for ``seconds``, turn by turn, ``repetitions`` times over.

    The order is turned by one each time, so that nobody always follows the same neighbour. The
    p50 is the median over the repetitions of each one's median: a burst of noise spoils one.
    ``clocks`` are more contestants, which time themselves: coroutines, inside a running loop.
    """
    clocks = {name: clock(call) for name, call in contestants.items()} | dict(clocks or {})
    names = [*clocks]
    walls: dict[str, list[list[float]]] = {name: [] for name in names}
    cpu = dict.fromkeys(names, 0.0)
    for name in names:
        clocks[name](0)
    gc.collect()
    for turn in range(repetitions):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            clocks[name](0)  # its data back into the caches
            cpu_start = process_time()
            times = clocks[name](seconds)
            cpu[name] += process_time() - cpu_start
            walls[name].append(times)
    return {name: _figures(walls[name], cpu[name]) for name in names}


def clock(call: Callable[[], object]) -> Clock:
    """Return what calls it over and over, five times at least, and times each call."""

    def run(seconds: float) -> list[float]:
        times = list[float]()
        end = perf_counter() + seconds
        while perf_counter() < end or len(times) < 5:
            start = perf_counter()
            call()
            times.append(perf_counter() - start)
        return times

    return run


def _figures(repetitions: list[list[float]], cpu: float) -> Figures:
    times = [time for repetition in repetitions for time in repetition]
    return Figures(
        best_us=min(times) * 1e6,
        p50_us=median(median(repetition) for repetition in repetitions) * 1e6,
        p99_us=float(np.percentile(times, 99)) * 1e6,
        cpu_us=cpu / len(times) * 1e6,
        calls=len(times),
    )


def machine(*packages: str) -> dict[str, object]:
    """Describe what the figures were measured on: processor, cores, Python, versions."""
    versions = {}
    for package in ("numpy", "numba", "llvmlite", *packages):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "processor": _processor(),
        "cores": os.process_cpu_count(),
        "system": platform.platform(),
        "python": sys.version.split(" (")[0],
        "gil": sys._is_gil_enabled(),
        "versions": versions,
        "load_average": os.getloadavg(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(": ")[2]
    return platform.processor()


def as_dict(figures: dict[str, Figures]) -> dict[str, dict[str, float]]:
    """Make figures ready for JSON."""
    return {name: asdict(figure) for name, figure in figures.items()}
