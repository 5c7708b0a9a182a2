"""Offer more than can be done, to Braid and to its peer, and count what is answered in time.

    python -m benchmarks.overload [--short | --tiny] [--json]

W1 in an open loop from a quarter to ten times what each can do, as a closed loop of two found it.
Good is a 200 within the deadline of being due. One event loop without helpers, and one worker for
the peer, so that the client has a core of its own; the loops of one process share nothing in this.
The peer has no admission, which is how it comes; nor has Braid with --longest-wait-ms 0.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import servers
from benchmarks.client import arrivals, closed_loop
from benchmarks.flood import Answers, flood
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import Server
from benchmarks.standard import Ground, ground, request, wishes

LOADS = (0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
DEADLINE_S = 0.05
PEER_DEADLINE_S = 0.25
"""The peer needs longer for one: it is given five times as long."""


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    items: int
    trees: int
    seconds: float
    loads: tuple[float, ...]


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    return options.pick(
        full=Plan(100_000, 200, 10.0, LOADS),
        short=Plan(20_000, 200, 2.0, (0.5, 0.9, 1.0, 1.5, 2.0, 5.0, 10.0)),
        tiny=Plan(2_000, 5, 0.2, (0.5, 2.0)),
    )


def start(stack: ExitStack, base: Ground, probe: bytes) -> list[tuple[Server, float]]:
    """Start the contestants; return each with its deadline in seconds."""
    own = ["--redis", base.url, "--artifact", str(base.world.artifact)]
    own += ["--loops", "1", "--crew", "0"]
    offers = [
        ("braid", servers.braid, own, DEADLINE_S, None),
        ("braid, refusing alone", servers.braid, own, DEADLINE_S, "full-effort"),
        ("braid, no admission", servers.braid, [*own, "--longest-wait-ms", "0"], DEADLINE_S, None),
    ]
    found = []
    for name, command, flags, deadline_s, variant in offers:
        say(f"start {name}")
        port = servers.free_port()
        log = base.world.folder / f"{port}.log"
        words = command(port, *flags, variant=variant)
        server = stack.enter_context(servers.serving(name, words, port, probe, log))
        found.append((server, deadline_s))
    if servers.PEER_PYTHON.exists():
        say("start fastapi")
        port = servers.free_port()
        log = base.world.folder / f"{port}.log"
        environment = {
            "W1_FOLDER": str(base.world.folder),
            "W1_REDIS": base.url,
            "W1_THREADS": "1",
            "PYTHONPATH": str(servers.ROOT),
            "NUMBA_CACHE_DIR": str(base.world.folder / "numba"),
        }
        peer = servers.serving("fastapi", servers.peer(port), port, probe, log, environment)
        found.append((stack.enter_context(peer), PEER_DEADLINE_S))
    return found


def point(answers: Answers, load: float, deadline_s: float, cpu_s: float) -> dict[str, float]:
    """Return what became of one load: rates per second, times in milliseconds."""
    lasted_s = float(answers.due_s[-1])
    served, refused = answers.status == 200, answers.status == 503
    found = {
        "load": load,
        "offered": len(answers.due_s) / lasted_s,
        "good": float(answers.good(deadline_s).sum()) / lasted_s,
        "served": float(served.sum()) / lasted_s,
        "reduced": float(answers.reduced.sum()) / lasted_s,
        "refused": float(refused.sum()) / lasted_s,
        "failed": float((~served & ~refused).sum()) / lasted_s,
        "client_cores": answers.client_cpu_s / answers.elapsed_s,
        "server_cores": cpu_s / answers.elapsed_s,
    }
    if served.any():
        p50, p99 = np.quantile(answers.latency_s[served], [0.5, 0.99]).tolist()
        found |= {"p50_ms": p50 * 1e3, "p99_ms": p99 * 1e3}
    if refused.any():
        p50, p99 = np.quantile(answers.waited_s[refused], [0.5, 0.99]).tolist()
        found |= {"refusal_p50_ms": p50 * 1e3, "refusal_p99_ms": p99 * 1e3}
    return found


def sweep(server: Server, requests: list[bytes], deadline_s: float, todo: Plan) -> dict[str, Any]:
    """Offer each load once."""
    closed_loop(server.address, requests, 2, todo.seconds / 2)
    capacity = closed_loop(server.address, requests, 2, todo.seconds).per_second
    points = []
    for load in todo.loads:
        say(f"{server.name}: {load:g} times {capacity:.0f}/s")
        before_s = server.cpu_s()
        answers = flood(server.address, requests, arrivals(load * capacity, todo.seconds, seed=1))
        points.append(point(answers, load, deadline_s, server.cpu_s() - before_s))
    return {
        "name": server.name,
        "deadline_ms": deadline_s * 1e3,
        "capacity": capacity,
        "points": points,
    }


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    todo = plan(options)
    with ExitStack() as stack:
        base = ground(stack, todo.items, todo.trees)
        requests = [request(wish) for wish in wishes(base.world, 32)]
        contestants = start(stack, base, requests[0])
        return {
            "seconds": todo.seconds,
            "contestants": [
                sweep(server, requests, deadline_s, todo) for server, deadline_s in contestants
            ],
        }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
