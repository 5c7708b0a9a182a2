"""From an event to its effect on the next slate, over HTTP and between two processes.

    python -m benchmarks.effect [--short | --tiny] [--json]

A round clicks on the first item of a user's slate, at one process, and then asks the other one for
the user's next slate until that item is gone from it. Each slate names the item of the next round,
so every effect is one that was not there before. Writers and readers change places each round.
"""

import json
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import client, servers
from benchmarks.client import Connection
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import Server
from benchmarks.standard import DEADLINE_MS, Ground, ground
from service.live.pulse import Pulse

BAR_MS = 5.0
RECOMMEND = "/v1/recommendations"
CONNECTIONS = 4
ROUNDS_PER_USER = 20
PATIENCE = 1000
"""Answers that may lack an effect before we give up."""


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    items: int
    trees: int
    rounds: int
    at_a_time: tuple[int, ...]


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    return options.pick(
        full=Plan(20_000, 200, 10_000, (1, CONNECTIONS)),
        short=Plan(20_000, 200, 2_000, (1, CONNECTIONS)),
        tiny=Plan(2_000, 5, 60, (1,)),
    )


@dataclass
class Rounds:
    """Seconds from sending an event to its answer, and to the slate that shows its effect."""

    event_s: list[float] = field(default_factory=list)
    effect_s: list[float] = field(default_factory=list)
    misses: int = 0
    degraded: int = 0


def slate(connection: Connection, user: str, seen: Rounds) -> list[str]:
    """Return the ids of a user's slate."""
    body = {"user_id": user, "limit": 3, "diversity": 0, "deadline_ms": DEADLINE_MS}
    answer = json.loads(connection.ask(client.post(RECOMMEND, json.dumps(body).encode())).body)
    seen.degraded += bool(answer["degraded"])
    return [item["item_id"] for item in answer["items"]]


def click(connection: Connection, user: str, item: str) -> None:
    """Send an event; return when it is acknowledged."""
    event = {"user_id": user, "item_id": item, "type": "click"}
    reply = connection.ask(client.post("/v1/events", json.dumps({"events": [event]}).encode()))
    assert reply.status == 200, reply.body


def one_user(pairs: list[tuple[Connection, Connection]], user: str, rounds: Rounds) -> None:
    """Let a user click through slates, each round over the next pair of connections."""
    [item, *_] = slate(pairs[0][1], user, rounds)
    for number in range(ROUNDS_PER_USER):
        writer, reader = pairs[number % len(pairs)]
        began = perf_counter()
        click(writer, user, item)
        acknowledged = perf_counter()
        for attempt in range(PATIENCE):
            shown = slate(reader, user, rounds)
            if item not in shown:
                break
            rounds.misses += not attempt
        else:
            raise RuntimeError("an event never had an effect")
        rounds.effect_s.append(perf_counter() - began)
        rounds.event_s.append(acknowledged - began)
        item = shown[0]


def walk(stack: ExitStack, two: list[Server], name: str, users: int) -> Rounds:
    """Have so many users one after the other, over connections of their own."""
    ends = [
        [stack.enter_context(closing(Connection(server.address))) for server in two]
        for _ in range(CONNECTIONS)
    ]
    # A writer of one process and a reader of the other, in turns.
    pairs = [
        (ends[at][at % 2], ends[(at + 1) % CONNECTIONS][1 - at % 2]) for at in range(len(ends))
    ]
    rounds = Rounds()
    for number in range(users):
        one_user(pairs, f"{name}-{number}", rounds)
    return rounds


def at_a_time(two: list[Server], threads: int, rounds: int, label: str) -> dict[str, Any]:
    """Measure with so many rounds under way at a time."""
    users = max(1, rounds // ROUNDS_PER_USER // threads)
    found: list[Rounds] = []
    with ExitStack() as stack:

        def run(number: int) -> None:
            found.append(walk(stack, two, f"{label}-{threads}-{number}", users))

        walkers = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
        for walker in walkers:
            walker.start()
        for walker in walkers:
            walker.join()
    assert len(found) == threads, "a round failed"
    return {
        "rounds": sum(len(one.effect_s) for one in found),
        "misses": sum(one.misses for one in found),
        "degraded": sum(one.degraded for one in found),
        "effect": _figures([took for one in found for took in one.effect_s]),
        "event": _figures([took for one in found for took in one.event_s]),
    }


def counted(base: Ground, two: list[Server], rounds: int) -> dict[str, float]:
    """Follow the events as a replica does; return how long they took to its counts."""
    pulse = Pulse(base.url)
    pulse.start()
    try:
        while not pulse.connected:
            time.sleep(0.01)
        at_a_time(two, 1, rounds, "counted")
    finally:
        pulse.stop()
    lag = pulse.lag
    return {"events": pulse.events} | {
        f"p{share:g}_ms": lag.quantile(share / 100) / 1e6 for share in (50, 99)
    }


def _figures(seconds: list[float]) -> dict[str, float]:
    shares = {f"p{share:g}_ms": share for share in (50, 95, 99, 99.9)} | {"most_ms": 100}
    return {
        name: float(np.percentile(seconds, share, method="higher") * 1e3)
        for name, share in shares.items()
    }


def measure(options: Options) -> dict[str, Any]:
    """Serve one catalogue by two processes, and walk."""
    todo = plan(options)
    with ExitStack() as stack:
        base = ground(stack, todo.items, todo.trees)
        probe = client.post(RECOMMEND, b'{"user_id": "anybody", "limit": 3}')
        two = []
        for name in ("one", "two"):
            port = servers.free_port()
            flags = ["--redis", base.url, "--artifact", str(base.world.artifact)]
            log = base.world.folder / f"{name}.log"
            command = servers.braid(port, *flags)
            two.append(stack.enter_context(servers.serving(name, command, port, probe, log)))
        say("warm up")
        at_a_time(two, 1, min(todo.rounds, 400), "warm")
        found = {}
        for threads in todo.at_a_time:
            say(f"{todo.rounds} rounds, {threads} at a time")
            found[str(threads)] = at_a_time(two, threads, todo.rounds, "round")
        say("the counts of a replica")
        return {
            "bar_ms": BAR_MS,
            "connections": CONNECTIONS,
            "at_a_time": found,
            "counts": counted(base, two, min(todo.rounds, 1000)),
        }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
