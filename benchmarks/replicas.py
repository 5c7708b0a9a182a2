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
from re import findall
from statistics import median
from typing import Any

import numpy as np
import redis

from benchmarks import client, servers
from benchmarks.client import Connection, arrivals, closed_loop
from benchmarks.flood import Answers, flood
from benchmarks.options import Options, emit, parse, say
from benchmarks.proxy import Proxy, proxied
from benchmarks.servers import Server
from benchmarks.simulation.here import Costs, Seconds, predict
from benchmarks.standard import DEADLINE_MS, DIVERSITY, LIMIT, Ground, ground, wishes
from benchmarks.world import USERS
from service.cores import cores

REPLICAS = (1, 2, 3)
LOADS = (0.3, 0.5, 0.7)
QUIET_RATE = 40.0
BURST, BURST_EVERY_S = 6, 0.1
BUSY = 16
"""Requests under way for a replica's most."""


@dataclass(frozen=True)
class Plan:
    """How much to measure, and to simulate."""

    items: int
    trees: int
    quiet_s: float
    repetitions: int
    seconds: float
    runs: int


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    return options.pick(
        full=Plan(20_000, 200, 20.0, 7, 4.0, 15),
        short=Plan(20_000, 200, 8.0, 3, 3.0, 9),
        tiny=Plan(2_000, 5, 0.5, 1, 0.2, 1),
    )


@dataclass(frozen=True)
class Scene:
    """What takes part, besides this client; ``replicas`` are all that run."""

    base: Ground
    replicas: list[Server]
    requests: list[bytes]


@dataclass(frozen=True)
class Spent:
    """Seconds of a core per request by whom, and the answers they were spent on."""

    answers: Answers
    client: float
    proxy: float
    store: float
    replica: float


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


def spent(scene: Scene, proxy: Proxy, schedule: Seconds) -> Spent:
    """Ask by a schedule; weigh everybody, less what they take when nothing is asked."""
    own = Server("proxy", proxy.pid, proxy.address)
    parts = {"proxy": own, "store": scene.base.store, "replica": scene.replicas[0]}
    before = {name: part.cpu_s() for name, part in parts.items()}
    answers = flood(proxy.address, scene.requests, schedule, 2 * BURST)
    used = {name: part.cpu_s() - before[name] for name, part in parts.items()}
    before = {name: part.cpu_s() for name, part in parts.items()}
    time.sleep(answers.elapsed_s / 4)
    count = len(schedule)
    each = {
        name: max(0.0, used[name] - 4 * (part.cpu_s() - before[name])) / count
        for name, part in parts.items()
    }
    return Spent(answers, answers.client_cpu_s / count, **each)


def timed(proxy: Proxy, requests: list[bytes], seconds: float) -> dict[str, Seconds]:
    """Return what the service says that each stage took, in seconds, with pauses in between."""
    found: dict[str, list[float]] = {}
    rng = np.random.default_rng(2)
    with closing(Connection(proxy.address)) as connection:
        for number in range(round(seconds * QUIET_RATE)):
            time.sleep(rng.exponential(1 / QUIET_RATE))
            head = connection.ask(requests[number % len(requests)]).head
            for name, took in findall(rb"(\w+);dur=([\d.]+)", head):
                found.setdefault(name.decode(), []).append(float(took) / 1e3)
    return {name: np.array(took) for name, took in found.items()}


def gaps(answers: Answers) -> Seconds:
    """Return the times between the answers to each burst: what a busy loop takes, float64[n]."""
    there = (answers.due_s + answers.latency_s).reshape(-1, BURST)
    found: Seconds = np.diff(np.sort(there, axis=1), axis=1).ravel()
    return found


def weigh(scene: Scene, todo: Plan) -> tuple[Costs, dict[str, Any]]:
    """Measure one replica with next to no load."""
    with proxied(scene.base.world.folder, [scene.replicas[0].address]) as proxy:
        say("one request at a time")
        stages = timed(proxy, scene.requests, todo.quiet_s / 2)
        with redis.Redis.from_url(scene.base.url) as store:
            before = _traffic(store)
            alone = spent(scene, proxy, arrivals(QUIET_RATE, todo.quiet_s, seed=3))
            traffic = {name: now - before[name] for name, now in _traffic(store).items()}
        say("bursts")
        starts = np.arange(1, 1 + max(2, round(todo.quiet_s / BURST_EVERY_S))) * BURST_EVERY_S
        together = spent(scene, proxy, np.repeat(starts, BURST))
    inside = stages["total"] - stages["context"].mean()
    loop_cold = inside + max(0.0, alone.replica - float(inside.mean()))
    latency_s = float(np.mean(alone.answers.latency_s))
    on_cores = alone.client + alone.proxy + alone.store + float(loop_cold.mean())
    costs = Costs(
        alone.client,
        min(alone.client, together.client),
        alone.proxy,
        min(alone.proxy, together.proxy),
        alone.store,
        loop_cold,
        gaps(together.answers),
        max(0.0, latency_s - on_cores),
    )
    count = len(alone.answers.due_s)
    return costs, {
        "cpu_ms": {
            name: {
                part: getattr(one, part) * 1e3 for part in ("client", "proxy", "store", "replica")
            }
            for name, one in (("alone", alone), ("in bursts", together))
        },
        "loop_ms": {
            "cold": _shape(costs.loop_cold),
            "warm": _shape(costs.loop_warm),
        },
        "stages_ms": {name: _shape(took) for name, took in stages.items()},
        "latency_ms": _shape(alone.answers.latency_s),
        "idle_ms": costs.idle * 1e3,
        "store_per_request": {name: total / count for name, total in traffic.items()},
        "request_bytes": len(scene.requests[0]),
    }


def _traffic(store: redis.Redis) -> dict[str, float]:
    """Return what the store has counted: commands, bytes read and written."""
    told: dict[str, Any] = store.info()  # type: ignore[assignment]  # it says maybe awaitable
    names = {
        "commands": "total_commands_processed",
        "bytes_in": "total_net_input_bytes",
        "bytes_out": "total_net_output_bytes",
    }
    return {name: float(told[field]) for name, field in names.items()}


def _shape(seconds: Seconds) -> dict[str, float]:
    p50, p99 = np.quantile(seconds, [0.5, 0.99]).tolist()
    return {"mean": float(seconds.mean()) * 1e3, "p50": p50 * 1e3, "p99": p99 * 1e3}


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


def check(scene: Scene, costs: Costs, todo: Plan, replicas: int) -> dict[str, Any]:
    """Predict so many replicas at each load; then measure them."""
    most = costs.most(replicas, cores())
    points = []
    with proxied(
        scene.base.world.folder, [server.address for server in scene.replicas[:replicas]]
    ) as proxy:
        throughput = busiest(scene, proxy, replicas, todo.seconds)
        for load in LOADS:
            rate = load * most
            requests = max(1, round(rate * todo.seconds))
            say(f"{replicas} replica(s), {load:.0%}: predict")
            told = predict(costs, rate, replicas, cores(), requests, todo.runs)
            runs = []
            for repetition in range(todo.repetitions):
                say(f"{replicas} replica(s), {load:.0%}: {repetition + 1}/{todo.repetitions}")
                schedule = arrivals(rate, todo.seconds, repetition)
                runs.append(point(flood(proxy.address, scene.requests, schedule)))
            truth = {name: median(run[name] for run in runs) for name in runs[0]}
            errors = {f"{key}_error": told[key] / truth[key] - 1 for key in told}
            points.append(
                {"load": load, "rate": rate, "measured": truth, "predicted": told, **errors}
            )
    return {"most": most, "throughput": throughput, "points": points}


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    todo = plan(options)
    with ExitStack() as stack:
        scene = stage(stack, todo)
        costs, weighed = weigh(scene, todo)
        found = {str(replicas): check(scene, costs, todo, replicas) for replicas in REPLICAS}
    one, three = (found[str(count)]["throughput"]["per_second"] for count in (1, 3))
    return {
        "cores": cores(),
        "plan": asdict(todo),
        "weighed": weighed,
        "replicas": found,
        "three_to_one": three / one,
    }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
