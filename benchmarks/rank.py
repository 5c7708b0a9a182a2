"""Time W1 over HTTP: 1000 candidates x 64 features ranked by Braid and by its peers (bars B1, B2).

    python -m benchmarks.rank [--short | --tiny] [--json]

1000 items drawn evenly from the catalogue, 64 float32 features each from one Valkey, a forest of
200 trees x 63 leaves, MMR to 50 of the best 250. All servers run at once and are asked in turn.
Answers are compared with a plain computation before anything is timed.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from time import sleep
from typing import Any

import lightgbm
import numpy as np

from benchmarks import client, servers
from benchmarks.client import Connection, closed_loop, open_loop
from benchmarks.machine import build
from benchmarks.meter import Meter, middle
from benchmarks.options import Options, emit, parse, say
from benchmarks.rerank import numpy_mmr
from benchmarks.servers import Server
from benchmarks.standard import (
    CANDIDATES,
    DEPTH,
    DIVERSITY,
    LIMIT,
    Ground,
    ground,
    request,
    wishes,
)
from benchmarks.world import World
from ranking.rerank.ramp import RAMP

TOLERANCE = 1e-5
LOADS = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0, 1.1)


GIL_BUILD = "braid on a GIL build"


@dataclass(frozen=True)
class Offer:
    """A contestant not yet started: ``serve`` gives the command for a port and flags."""

    name: str
    about: str
    serve: Callable[..., list[str]]
    flags: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Contestant:
    """A server and what was measured of it."""

    server: Server
    about: str
    closed: dict[int, list[dict[str, float]]] = field(default_factory=dict)
    open: dict[float, list[dict[str, float]]] = field(default_factory=dict)

    @property
    def capacity(self) -> float:
        """Return answers per second with eight requests under way."""
        return median(run["per_second"] for run in self.closed[8])


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    items: int
    trees: int
    checks: int
    warm_s: float
    repetitions: int
    closed_s: float
    loads: Sequence[float]
    open_repetitions: int
    open_s: float
    names: Sequence[str] = ()


def plan(options: Options) -> Plan:
    """Return what goes with the size; only the tiny one goes without peers that are not there."""
    few = ["braid"]
    few += ["fastapi"] if servers.PEER_PYTHON.exists() else []
    few += [GIL_BUILD] if servers.GIL_PYTHON.exists() else []
    return options.pick(
        full=Plan(100_000, 200, 20, 3.0, 5, 2.0, LOADS, 5, 1.5),
        short=Plan(20_000, 200, 10, 2.0, 3, 0.7, LOADS[1::2], 1, 1.0),
        tiny=Plan(2_000, 5, 2, 0.1, 1, 0.1, LOADS[1:2], 1, 0.2, few),
    )


def contest(stack: ExitStack, base: Ground, probe: bytes, names: Sequence[str]) -> list[Contestant]:
    """Start the contestants of these names, all if none, and stop them with the stack."""
    world = base.world
    own = ["--redis", base.url, "--artifact", str(world.artifact)]
    found = {
        "W1_FOLDER": str(world.folder),
        "W1_REDIS": base.url,
        "PYTHONPATH": str(servers.ROOT),
        "NUMBA_CACHE_DIR": str(world.folder / "numba"),
    }
    two, one = {**found, "W1_THREADS": "2"}, {**found, "W1_THREADS": "1"}
    offers = [
        Offer("braid", f"Braid as it comes: {build()}, near cache warm", servers.braid, own),
        Offer(
            "braid, no near cache",
            "every row of every request from Valkey, by one MGET",
            servers.braid,
            [*own, "--near-cache-mib", "0"],
        ),
        *_with_gil(own),
        Offer("fastapi", "one process, LightGBM on 2 OpenMP threads", servers.peer, [], two),
        Offer(
            "fastapi, process pool",
            "one process and ProcessPoolExecutor(2), half of the rows each",
            servers.peer,
            [],
            {**one, "W1_POOL": "2"},
        ),
        Offer(
            "fastapi, 2 workers",
            "uvicorn --workers 2, LightGBM on one thread each",
            servers.peer,
            ["--workers", "2"],
            one,
        ),
    ]
    started: list[Contestant] = []
    for offer in offers:
        if names and offer.name not in names:
            continue
        say(f"start {offer.name}")
        port = servers.free_port()
        command = offer.serve(port, *offer.flags)
        log = world.folder / f"{len(started)}.log"
        server = stack.enter_context(
            servers.serving(offer.name, command, port, probe, log, offer.environment)
        )
        started.append(Contestant(server, offer.about))
    return started


def _with_gil(flags: Sequence[str]) -> list[Offer]:
    """Offer the same service on the same version of Python with the GIL, if there is one."""
    if not servers.GIL_PYTHON.exists():
        say(
            f"left out: {GIL_BUILD}, for there is no {servers.GIL_PYTHON.relative_to(servers.ROOT)}"
        )
        return []
    serve = partial(servers.braid, python=servers.GIL_PYTHON)
    return [Offer(GIL_BUILD, f"the same on {build(servers.GIL_PYTHON)}", serve, flags)]


class Reference:
    """The plainest computation of W1: LightGBM, sort, MMR that grows over the first places."""

    def __init__(self, world: World) -> None:
        self._model = lightgbm.Booster(model_str=world.model_text)
        self._world = world
        self._ordinals = {item: ordinal for ordinal, item in enumerate(world.ids)}

    def __call__(self, candidates: Sequence[str]) -> list[tuple[str, float]]:
        """Return (item id, score) pairs, best first."""
        items = np.array([self._ordinals[item] for item in candidates])
        rows = self._world.rows[items]
        raw = self._model.predict(rows, raw_score=True, num_threads=1)
        scores = np.asarray(raw, np.float32)
        best = np.argsort(-scores, kind="stable")[:DEPTH]
        vectors = self._world.embeddings[items[best]]
        picks = best[numpy_mmr(scores[best], vectors, LIMIT, DIVERSITY, RAMP)]
        return [(candidates[pick], float(scores[pick])) for pick in picks]


def check(
    contestants: Sequence[Contestant], reference: Reference, wanted: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Compare every contestant's slates with the reference.

    Returns:
        Each one's largest difference in a score.

    Raises:
        AssertionError: another item in some place, or a score that is off.
    """
    largest: dict[str, float] = {}
    for contestant in contestants:
        name = contestant.server.name
        with closing(Connection(contestant.server.address)) as connection:
            for candidates in wanted:
                reply = connection.ask(request(candidates))
                assert client.good(reply), (name, reply.body[:300])
                slate = [(i["item_id"], i["score"]) for i in json.loads(reply.body)["items"]]
                off = difference(slate, reference(candidates))
                assert off <= TOLERANCE, (name, off)
                largest[name] = max(off, largest.get(name, 0.0))
    return largest


def difference(slate: Sequence[tuple[str, float]], expected: Sequence[tuple[str, float]]) -> float:
    """Return the largest difference in a score; infinite where the items are not the same."""
    if [item for item, _ in slate] != [item for item, _ in expected]:
        return float("inf")
    return max(abs(a - b) for (_, a), (_, b) in zip(slate, expected, strict=True))


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    todo = plan(options)
    with ExitStack() as stack:
        base = ground(stack, todo.items, todo.trees)
        world = base.world
        wanted = wishes(world, 64)
        requests = [request(candidates) for candidates in wanted]
        entrants = contest(stack, base, requests[0], todo.names)
        say("compare the answers")
        equal = check(entrants, Reference(world), wanted[: todo.checks])
        _warm(entrants, requests, todo.warm_s)
        meter = Meter(base.store)
        _closed(entrants, requests, todo, meter)
        _open(entrants, requests, todo, meter)
        stages = {
            entrant.server.name: _stages(entrant.server, requests, options)
            for entrant in entrants
            if entrant.server.name.startswith("braid")
        }
        return {
            "work": {
                "candidates": CANDIDATES,
                "features": world.rows.shape[1],
                "trees": todo.trees,
                "catalogue": todo.items,
                "limit": LIMIT,
                "repetitions": todo.repetitions,
            },
            "equal": {"requests": todo.checks, "largest_difference": equal},
            "contestants": [_summary(entrant) for entrant in entrants],
            "stages_ms": stages,
        }


def _warm(entrants: Sequence[Contestant], requests: Sequence[bytes], seconds: float) -> None:
    for entrant in entrants:
        say(f"warm {entrant.server.name}")
        closed_loop(entrant.server.address, requests, 8, seconds)


def _closed(
    entrants: Sequence[Contestant], requests: Sequence[bytes], todo: Plan, meter: Meter
) -> None:
    for repetition in range(todo.repetitions):
        turn = repetition % len(entrants)
        for entrant in [*entrants[turn:], *entrants[:turn]]:
            for connections in (1, 8):
                server = entrant.server
                say(
                    f"closed loop {repetition + 1}/{todo.repetitions}: "
                    f"{server.name}, {connections} at once"
                )
                run = meter(
                    server,
                    lambda: closed_loop(server.address, requests, connections, todo.closed_s),  # noqa: B023  called at once
                )
                entrant.closed.setdefault(connections, []).append(run)


def _open(
    entrants: Sequence[Contestant], requests: Sequence[bytes], todo: Plan, meter: Meter
) -> None:
    for repetition in range(todo.open_repetitions):
        for load in todo.loads:
            for entrant in entrants:
                server, rate = entrant.server, load * entrant.capacity
                say(
                    f"open loop {repetition + 1}/{todo.open_repetitions}: {server.name}, {load:.0%}"
                )
                schedule = client.arrivals(rate, todo.open_s, seed=repetition)
                run = meter(server, lambda: open_loop(server.address, requests, schedule))  # noqa: B023  called at once
                entrant.open.setdefault(load, []).append({"rate": rate, **run})
                sleep(0.1)  # what an overloaded server has not answered, it drops here


def _stages(server: Server, requests: Sequence[bytes], options: Options) -> dict[str, float]:
    """Return the median of each stage as the server tells it in `Server-Timing`."""
    connection = Connection(server.address)
    found: dict[str, list[float]] = {}
    for index in range(options.pick(500, 100, 5)):
        head = connection.ask(requests[index % len(requests)]).head
        for stage, took in re.findall(rb"(\w+);dur=([\d.]+)", head):
            found.setdefault(stage.decode(), []).append(float(took))
    connection.close()
    return {stage: median(times) for stage, times in found.items()}


def _summary(entrant: Contestant) -> dict[str, Any]:
    return {
        "name": entrant.server.name,
        "about": entrant.about,
        "closed": {str(count): middle(runs) for count, runs in entrant.closed.items()},
        "open": [{"load": load, **middle(runs)} for load, runs in entrant.open.items()],
        "memory_mib": entrant.server.memory_mib(),
    }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
