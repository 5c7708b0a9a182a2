"""Replicas behind HAProxy on one machine: measured under load, and predicted without any.

    python -m benchmarks.replicas [--short | --tiny] [--json]

W1 with a user, by one to three `braid serve` of one event loop each, over one store. First what
one request takes is measured of one replica with next to no load: alone, and in bursts of a few,
which tell what a thread takes that has more to do. From that `benchmarks.simulation` predicts p50
and p99 under open loops at 1, 2 and 3 replicas, cores shared by all; then they are measured.
"""

import json
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import redis

from benchmarks import client, servers
from benchmarks.client import Connection, arrivals, closed_loop
from benchmarks.flood import Answers, flood
from benchmarks.meter import middle
from benchmarks.options import Options, emit, parse, say
from benchmarks.proxy import Proxy, proxied
from benchmarks.servers import Server
from benchmarks.simulation.here import Seconds, predict
from benchmarks.standard import DEADLINE_MS, DIVERSITY, LIMIT, Ground, ground, wishes
from benchmarks.weighing import PAUSES_S, QUIET_S, Scales, Weighed, alone, together
from benchmarks.world import USERS
from service.cores import cores

REPLICAS = (1, 2, 3)
LOADS = (0.3, 0.5, 0.7)
COUNTED = 200
CONNECTIONS = 32
"""Of this client to the proxy: with 256 each request takes a tenth to a quarter more of a core."""
BUSY = 16
"""Requests under way for a replica's most."""


@dataclass(frozen=True)
class Plan:
    """How much to measure, and to simulate."""

    items: int
    trees: int
    rounds: int
    alone: int
    bursts: int
    seconds: float
    runs: int


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    return options.pick(
        full=Plan(20_000, 200, 7, 100, 30, 5.0, 5),
        short=Plan(20_000, 200, 3, 80, 30, 5.0, 5),
        tiny=Plan(2_000, 5, 1, 8, 2, 0.1, 1),
    )


@dataclass(frozen=True)
class Scene:
    """What takes part, besides this client; ``replicas`` are all that run."""

    base: Ground
    replicas: list[Server]
    requests: list[bytes]


def asked(candidates: list[str], user: int) -> bytes:
    """Return W1 for a user, whom the store is asked for."""
    body = {"user_id": f"user-{user}", "candidates": candidates, "limit": LIMIT}
    body |= {"diversity": DIVERSITY, "deadline_ms": DEADLINE_MS}
    return client.post("/v1/rank", json.dumps(body).encode())


def stage(stack: ExitStack, todo: Plan) -> Scene:
    """Start the store and the replicas."""
    base = ground(stack, todo.items, todo.trees)
    requests = [asked(wish, number % USERS) for number, wish in enumerate(wishes(base.world, 64))]
    started = []
    for number in range(max(REPLICAS)):
        say(f"start replica {number + 1}")
        port = servers.free_port()
        flags = ["--redis", base.url, "--artifact", str(base.world.artifact)]
        flags += ["--loops", "1", "--crew", "0", "--longest-wait-ms", "0"]
        served = servers.serving(
            f"replica {number + 1}",
            servers.braid(port, *flags),
            port,
            requests[0],
            base.world.folder / f"{port}.log",
        )
        started.append(stack.enter_context(served))
    for server in started:
        closed_loop(server.address, requests, 4, max(todo.seconds, 0.5))
    return Scene(base, started, requests)


def weigh(scene: Scene, todo: Plan, replicas: int, weighed: Weighed) -> None:
    """Measure with next to no load, and note it: so many replicas, each in its turn."""
    started = scene.replicas[:replicas]
    with proxied(scene.base.world.folder, [server.address for server in started]) as proxy:
        scales = Scales(proxy, scene.base.store, started)
        for pause_s in PAUSES_S:
            say(f"{replicas} replica(s), one request at a time, {pause_s * 1e3:g} ms apart")
            one = alone(scales, proxy, scene.requests, pause_s, todo.alone)
            weighed.add(replicas, pause_s, one)
        if replicas == 1:
            say("bursts")
            weighed.bursts.append(together(scales, proxy, scene.requests, todo.bursts))


def traffic(scene: Scene, proxy: Proxy) -> dict[str, float]:
    """Return the store's commands and bytes per request."""
    with redis.Redis.from_url(scene.base.url) as store:
        counts = []
        for count in (0, COUNTED):  # what goes on without requests is taken off
            before = _traffic(store)
            if count:
                closed_loop_of(proxy, scene.requests, count)
            else:
                time.sleep(QUIET_S)
            counts.append({name: now - before[name] for name, now in _traffic(store).items()})
    return {name: max(0.0, counts[1][name] - counts[0][name]) / COUNTED for name in counts[1]}


def closed_loop_of(proxy: Proxy, requests: list[bytes], count: int) -> None:
    """Ask so often, one request after the other, for about as long as was waited before."""
    with closing(Connection(proxy.address)) as connection:
        for number in range(count):
            connection.ask(requests[number % len(requests)])


def _traffic(store: redis.Redis) -> dict[str, float]:
    """Return what the store has counted: commands, bytes read and written."""
    told: dict[str, Any] = store.info()
    names = {
        "commands": "total_commands_processed",
        "bytes_in": "total_net_input_bytes",
        "bytes_out": "total_net_output_bytes",
    }
    return {name: float(told[field]) for name, field in names.items()}


def busiest(scene: Scene, proxy: Proxy, replicas: int, seconds: float) -> dict[str, float]:
    """Return answers per second with plenty under way, and the cores that each took."""
    used = {
        "replicas": scene.replicas[:replicas],
        "proxy": [Server("proxy", proxy.pid, proxy.address)],
        "store": [scene.base.store],
    }
    before = {name: sum(one.cpu_s() for one in parts) for name, parts in used.items()}
    run = closed_loop(proxy.address, scene.requests, BUSY, seconds)
    after = {name: sum(one.cpu_s() for one in parts) for name, parts in used.items()}
    taken = {f"{name}_cores": (after[name] - before[name]) / run.elapsed_s for name in used}
    return {"per_second": run.per_second, **taken, "client_cores": run.client_cpu_s / run.elapsed_s}


def point(answers: Answers) -> dict[str, float]:
    """Return one run's figures; what failed counts as infinitely late."""
    took = np.where(answers.status == 200, answers.latency_s, np.inf)
    p50, p99 = np.quantile(took, [0.5, 0.99], method="higher").tolist()
    failed = int((answers.status != 200).sum())
    return {"p50_ms": p50 * 1e3, "p99_ms": p99 * 1e3, "failed": failed}


def measure(options: Options) -> dict[str, Any]:
    """Weigh and measure round by round; then predict, from what was weighed, what was measured."""
    todo = plan(options)
    weighed = Weighed()
    busy: dict[int, list[dict[str, float]]] = {}
    measured: dict[tuple[int, float], list[dict[str, float]]] = {}
    schedules: dict[tuple[int, float], list[Seconds]] = {}
    rates: dict[tuple[int, float], float] = {}
    with ExitStack() as stack:
        scene = stage(stack, todo)
        for number in range(todo.rounds):
            for replicas in REPLICAS:
                weigh(scene, todo, replicas, weighed)
            for replicas in REPLICAS:
                addresses = [server.address for server in scene.replicas[:replicas]]
                with proxied(scene.base.world.folder, addresses) as proxy:
                    say(f"round {number + 1}/{todo.rounds}, {replicas} replica(s): all they can")
                    most_of = busiest(scene, proxy, replicas, todo.seconds)
                    busy.setdefault(replicas, []).append(most_of)
                    for load in LOADS:
                        say(f"round {number + 1}/{todo.rounds}, {replicas} replica(s): {load:.0%}")
                        most = weighed.costs(replicas).most(replicas, cores())
                        rate = rates.setdefault((replicas, load), load * most)
                        schedule = arrivals(rate, todo.seconds, number)
                        run = point(flood(proxy.address, scene.requests, schedule, CONNECTIONS))
                        measured.setdefault((replicas, load), []).append(run)
                        schedules.setdefault((replicas, load), []).append(schedule)
        with proxied(scene.base.world.folder, [scene.replicas[0].address]) as proxy:
            told = weighed.told() | {"store_per_request": traffic(scene, proxy)}
    costs = {replicas: weighed.costs(replicas) for replicas in REPLICAS}
    points: dict[int, list[dict[str, Any]]] = {}
    for (replicas, load), runs in measured.items():
        rate = rates[replicas, load]
        say(f"predict {replicas} replica(s) at {rate:.0f} requests/s")
        due_s = schedules[replicas, load]
        guess = predict(costs[replicas], due_s, replicas, cores(), todo.runs)
        truth = middle(runs)
        errors = {f"{key}_error": guess[key] / truth[key] - 1 for key in guess}
        points.setdefault(replicas, []).append(
            {"load": load, "rate": rate, "measured": truth, "predicted": guess, **errors}
        )
    found: dict[str, Any] = {
        str(replicas): {
            "most": costs[replicas].most(replicas, cores()),
            "throughput": middle(busy[replicas]),
            "points": points[replicas],
        }
        for replicas in REPLICAS
    }
    one, three = (found[str(count)]["throughput"]["per_second"] for count in (1, 3))
    return {
        "cores": cores(),
        "plan": asdict(todo),
        "weighed": told | {"request_bytes": len(scene.requests[0])},
        "replicas": found,
        "three_to_one": three / one,
    }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
