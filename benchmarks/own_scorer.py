"""Time ways to write a scorer in plain Python on one thread and on two (docs/own-scorer.md).

    python -m benchmarks.own_scorer [--short | --tiny] [--json]

Each way scores the same 1000 candidates: two threads take half of them each, from one barrier; then
one of the two does both halves; and so on. A loop over numbers of its own, which
shares nothing, shows what the machine has to give.

A round counts when each thread had a core to itself: its CPU time was 95 % of the time that passed.
"""

from collections.abc import Callable
from statistics import median
from threading import Barrier, Thread
from time import perf_counter_ns, thread_time_ns
from typing import Any

import numpy as np

import service  # noqa: F401  for what it does to the constants of what is imported from here on
from benchmarks import ways
from benchmarks.options import Options, emit, parse, say
from ranking.scorers import FunctionScorer

ROWS = 1000
CALM = 0.95


class Pair:
    """Two threads that do the same from one barrier."""

    def __init__(self) -> None:
        self._go, self._done = Barrier(3), Barrier(3)
        self._work: tuple[Callable[[], object], ...] = ()
        self._ready: list[int] = []
        self._times: list[tuple[int, int, int]] = [(0, 0, 0), (0, 0, 0)]
        for index in range(2):
            Thread(target=self._run, args=(index,), daemon=True).start()

    def time_us(self, *work: Callable[[], object]) -> tuple[float, bool]:
        """Do one or two things at once; return how long both took, and whether all was calm."""
        self._work = work
        self._ready.clear()
        self._go.wait()
        self._done.wait()
        times = self._times[: len(work)]
        took = max(end for _, end, _ in times) - min(start for start, _, _ in times)
        return took / 1e3, min(cpu for _, _, cpu in times) >= CALM * took

    def _run(self, index: int) -> None:
        while True:
            self._go.wait()
            if index < len(self._work):
                self._ready.append(index)
                while len(self._ready) < len(self._work):
                    pass  # a thread that slept would start later than the other
                cpu, start = thread_time_ns(), perf_counter_ns()
                self._work[index]()
                self._times[index] = start, perf_counter_ns(), thread_time_ns() - cpu
            self._done.wait()


def measure(options: Options) -> dict[str, Any]:
    """Time every way in turn, round after round."""
    most, enough = options.pick(full=(20_000, 200), short=(2_000, 40), tiny=(1, 0))
    rng = np.random.default_rng(0)
    rows = rng.normal(1.0, 1.0, (ROWS, len(ways.COLUMNS))).astype(np.float32) ** 2
    halves = rows[: ROWS // 2], rows[ROWS // 2 :]
    pair = Pair()
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways.WAYS}
    for round_ in range(most):
        fewest = min(map(len, took.values()))
        if fewest >= enough > 0:
            break
        say(f"round {round_ + 1}: {fewest} of {enough} calm ones")
        for name, way in ways.WAYS.items():
            scorer = FunctionScorer(way, ways.COLUMNS)

            def score(*parts: int, scorer: FunctionScorer = scorer) -> None:
                for part in parts:
                    scorer(halves[part])

            one, calm = pair.time_us(lambda: score(0, 1))
            two, calm_too = pair.time_us(lambda: score(0), lambda: score(1))
            if (calm and calm_too) or not enough:
                took[name].append((one, two))
    return {"ways": {name: figures(times) for name, times in took.items() if times}}


def figures(times: list[tuple[float, float]]) -> dict[str, float]:
    """Return microseconds per 1000 rows on one thread and on two, medians; and the speed-up."""
    return {
        "one_thread_us": median(one for one, _ in times),
        "two_threads_us": median(two for _, two in times),
        "speed_up": median(one / two for one, two in times),
        "calm_rounds": len(times),
    }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
