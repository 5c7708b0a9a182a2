"""Time one request on two threads against one, and under load (bars B4, B5).

    python -m benchmarks.crew [--short | --tiny] [--json]

Scoring alone, in this process, with the crew as a request meets it: its helpers asleep. Then the
whole request over HTTP, one at a time. Then parallelism by three rules under an open loop: never,
always, and as the crew has it (when a helper is idle and the work is worth it).
"""

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from queue import SimpleQueue
from statistics import median
from time import perf_counter_ns, sleep
from typing import Any

import numpy as np

from benchmarks import client, glue, servers
from benchmarks.bars import AGAIN
from benchmarks.client import Connection, closed_loop, open_loop
from benchmarks.meter import Meter, middle
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import Server
from benchmarks.standard import CANDIDATES, Ground, ground, request, wishes
from features.types import Items, Rows, Scores
from ranking.artifact import read
from ranking.scorers import ForestScorer, FunctionScorer
from ranking.snapshot import Scorer
from service.crew import Crew

GLUE = "benchmarks.glue:score"
PAUSE_S = 0.001  # between requests a helper sleeps, and its core may too
LOADS = (0.05, 0.25, 0.45, 0.65, 0.85, 1.0, 1.2)
RULES = ("serial", "always parallel", "crew")


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    items: int
    trees: int
    rows: Sequence[int]
    calls: int
    repetitions: int
    closed_s: float
    loads: Sequence[float]
    load_repetitions: int
    open_s: float


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    return options.pick(
        full=Plan(100_000, 200, (128, 256, 512, 1000, 2000, 5000), 200, 5, 2.0, LOADS, 5, 1.5),
        short=Plan(20_000, 200, (256, 1000, 5000), 60, 3, 0.5, LOADS[1::2], 1, 0.7),
        tiny=Plan(2_000, 5, (300,), 3, 1, 0.05, LOADS[2:3], 1, 0.1),
    )


class Partner:
    """A second thread that does the same as the first, on data of its own, at the same time.

    What two threads gain when nothing passes between them is what the machine has to give: on two
    hardware threads of one core, or beside a busy neighbour, it is less than two.
    """

    def __init__(self) -> None:
        self._bell = SimpleQueue[bool]()
        self._work: Callable[[], object] | None = None
        self._awake = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def wake(self) -> None:
        """Have the thread look out for work, without sleeping."""
        self._bell.put(True)
        while not self._awake:
            pass

    def beside(self, work: Callable[[], object], its: Callable[[], object]) -> None:
        """Do ``work`` here, ``its`` there, at once; return after both. Once per `wake`."""
        self._work = its
        work()
        while self._awake:
            pass

    def close(self) -> None:
        """End the thread."""
        self._bell.put(False)
        self._thread.join()

    def _run(self) -> None:
        while self._bell.get():
            self._awake = True
            while self._work is None:
                pass
            self._work()
            self._work = None
            self._awake = False


@dataclass
class Rival:
    """One way to score: what comes before is not timed, the call is."""

    before: Callable[[], object]
    call: Callable[[], object]


def median_us(rivals: dict[str, Rival], count: int) -> dict[str, dict[str, float]]:
    """Time every call in turn, ``count`` times, each after a pause; p50 and p99 in microseconds."""
    took: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(count):
        for name, rival in rivals.items():
            sleep(PAUSE_S)
            rival.before()
            start = perf_counter_ns()
            rival.call()
            took[name].append((perf_counter_ns() - start) / 1e3)
    return {
        name: {"p50_us": median(times), "p99_us": float(np.percentile(times, 99))}
        for name, times in took.items()
    }


class Request:
    """Rows to be gathered, then scored over a crew, as `service.pipeline` does it."""

    def __init__(self, scorer: Scorer, table: Rows, order: Items, crew: Crew) -> None:
        self._scorer, self._table, self._order = scorer, table, order
        self._caller = crew.caller()
        self.cost_ns = 0.0
        self.gather()

    def gather(self) -> None:
        """Call helpers, then fetch the rows: while they wake."""
        self._party = self._caller.party()
        self._party.__enter__()
        self._party.rouse(self.cost_ns * len(self._order))
        self._rows = self._table[self._order]

    def score(self) -> Scores:
        """Score what was gathered."""
        step, rows = self._scorer.rows_per_block, self._rows
        scores = np.empty(len(rows), np.float32)

        def score(low: int, high: int) -> None:
            part = slice(low * step, high * step)
            scores[part] = self._scorer(rows[part])

        self._party.share(score, -(-len(rows) // step), step * self.cost_ns)
        self._party.__exit__(None, None, None)
        return scores


def scoring(base: Ground, todo: Plan) -> list[dict[str, Any]]:
    """Score on one thread and on two, the forest and the user's function; the bits must agree."""
    snapshot = read(base.world.artifact)
    assert isinstance(snapshot.scorer, ForestScorer)
    few = ("item.f00", "item.f01", "item.f02", "item.f03")
    scorers: dict[str, tuple[Scorer, int]] = {
        "forest (native)": (snapshot.scorer, base.world.rows.shape[1]),
        "plain Python, 4 columns": (FunctionScorer(glue.score, few), 4),
        "plain Python, 64 columns": (FunctionScorer(glue.score, snapshot.scorer.columns), 64),
    }
    results = []
    alone, pair, partner = Crew(0), Crew(1), Partner()
    handover_us = pair.calibrate() / 1e3
    rng = np.random.default_rng(0)
    for name, (scorer, width) in scorers.items():
        table = np.ascontiguousarray(base.world.rows[:, :width])
        for n in todo.rows:
            say(f"score {n} rows, {name}")
            order = rng.permutation(len(table))[:n]
            one, two = (Request(scorer, table, order, crew) for crew in (alone, pair))
            mine, its = table[order], table[order]
            expected = one.score()
            start = perf_counter_ns()
            scorer(mine)
            two.cost_ns = (perf_counter_ns() - start) / n
            two.score()
            two.gather()
            assert np.array_equal(two.score(), expected), (name, n)
            rivals = {
                "1 thread": Rival(one.gather, one.score),
                "crew": Rival(two.gather, two.score),
                "two of their own": Rival(
                    partner.wake,
                    lambda: partner.beside(lambda: scorer(mine), lambda: scorer(its)),  # noqa: B023  called at once
                ),
            }
            found = median_us(rivals, todo.calls)
            results.append({"scorer": name, "rows": n, **found, **_speed_ups(found)})
    for thread in (alone, pair, partner):
        thread.close()
    return [{"handover_us": handover_us, "wake_us": pair.wake_ns / 1e3}, *results]


def _speed_ups(found: dict[str, dict[str, float]]) -> dict[str, float]:
    serial = found["1 thread"]["p50_us"]
    return {
        "speed_up": serial / found["crew"]["p50_us"],
        "ceiling": 2 * serial / found["two of their own"]["p50_us"],
    }


def serve(
    stack: ExitStack, base: Ground, rule: str, probe: bytes, *flags: str, loops: int | None = None
) -> Server:
    """Start Braid with this rule for its parallelism."""
    say(f"start {rule} {' '.join(flags)}")
    port = servers.free_port()
    own = ["--redis", base.url, "--artifact", str(base.world.artifact), *flags]
    own += ["--loops", str(loops)] if loops else []
    if rule == "serial":
        own += ["--crew", "0"]
    variant = "always-parallel" if rule == "always parallel" else None
    command = servers.braid(port, *own, variant=variant)
    log = base.world.folder / f"{port}.log"
    return stack.enter_context(servers.serving(rule, command, port, probe, log))


def same_answers(rivals: Sequence[Server], requests: Sequence[bytes]) -> None:
    """Raise AssertionError unless all give the same slates, to the last digit."""
    with ExitStack() as stack:
        connections = [stack.enter_context(closing(Connection(rival.address))) for rival in rivals]
        for sent in requests:
            slates = [json.loads(connection.ask(sent).body)["items"] for connection in connections]
            assert all(slate == slates[0] for slate in slates), [rival.name for rival in rivals]


def whole(base: Ground, todo: Plan, candidates: int, flags: Sequence[str]) -> dict[str, Any]:
    """Time whole requests, one at a time, with and without a helper."""
    requests = [request(wish) for wish in wishes(base.world, 32, candidates)]
    meter = Meter(base.store)
    with ExitStack() as stack:
        rivals = [
            serve(stack, base, rule, requests[0], *flags, loops=1) for rule in ("serial", "crew")
        ]
        same_answers(rivals, requests[:3])
        runs: dict[str, list[dict[str, float]]] = {rival.name: [] for rival in rivals}
        for rival in rivals:
            closed_loop(rival.address, requests, 1, todo.closed_s)
        for repetition in range(todo.repetitions):
            for rival in rivals[:: 1 if repetition % 2 else -1]:
                say(f"{candidates} candidates, one at a time {repetition + 1}: {rival.name}")
                run = meter(rival, lambda: closed_loop(rival.address, requests, 1, todo.closed_s))  # noqa: B023  called at once
                runs[rival.name].append(run)
    found = {name: middle(repeated) for name, repeated in runs.items()}
    return {**found, "speed_up": found["serial"]["p50_ms"] / found["crew"]["p50_ms"]}


def under_load(base: Ground, todo: Plan, candidates: int, flags: Sequence[str]) -> dict[str, Any]:
    """Give the three rules the same schedules, from idle to more than can be done."""
    requests = [request(wish) for wish in wishes(base.world, 32, candidates)]
    meter = Meter(base.store)
    with ExitStack() as stack:
        rivals = [serve(stack, base, rule, requests[0], *flags) for rule in RULES]
        same_answers(rivals, requests[:3])
        for rival in rivals:
            closed_loop(rival.address, requests, 8, todo.closed_s)
        capacity = median(
            closed_loop(rivals[0].address, requests, 8, todo.closed_s).per_second for _ in range(3)
        )
        curves: dict[str, list[list[dict[str, float]]]] = {rule: [] for rule in (*RULES, AGAIN)}
        for load in todo.loads:
            points: dict[str, list[dict[str, float]]] = {rule: [] for rule in curves}
            for repetition in range(todo.load_repetitions):
                schedule = client.arrivals(load * capacity, todo.open_s, seed=repetition)
                turns = [*zip(curves, [*rivals, rivals[0]], strict=True)]
                turn = repetition % len(turns)
                for rule, rival in [*turns[turn:], *turns[:turn]]:
                    say(f"{candidates} candidates, load {load:.0%} {repetition + 1}: {rule}")
                    run = meter(rival, lambda: open_loop(rival.address, requests, schedule))  # noqa: B023  called at once
                    points[rule].append(run)
            for rule, runs in points.items():
                curves[rule].append(runs)
    return {
        "capacity_per_second": capacity,
        "curves": {
            rule: [
                {"load": load, **middle(runs)}
                for load, runs in zip(todo.loads, points, strict=True)
            ]
            for rule, points in curves.items()
        },
    }


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    todo = plan(options)
    with ExitStack() as stack:
        base = ground(stack, todo.items, todo.trees)
        handover, *scores = scoring(base, todo)
        many = options.pick(full=5000, short=5000, tiny=1500)
        works: dict[str, tuple[int, list[str]]] = {
            "W1": (CANDIDATES, []),
            f"W1 with {many} candidates": (many, []),
            "W3": (CANDIDATES, ["--scorer", GLUE]),
        }
        return {
            **handover,
            "scoring": scores,
            "whole": {
                name: whole(base, todo, *works[name])
                for name in options.pick(full=[*works], short=[*works], tiny=["W1"])
            },
            "under_load": {
                name: under_load(base, todo, *works[name])
                for name in options.pick(full=["W1", "W3"], short=["W1"], tiny=["W1"])
            },
        }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
