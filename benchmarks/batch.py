"""Time 100 slates in one batch against 100 single requests.

    python -m benchmarks.batch [--short | --tiny] [--json]

The same queries to the same server: one after the other on one connection, over eight connections,
and as one batch. Users with a history in the store, a catalogue with vector search, W1's scorer,
MMR to 20. The slates must be equal.
"""

import json
import time
from contextlib import ExitStack, closing
from typing import Any

import numpy as np

from benchmarks import client, servers
from benchmarks.client import Connection, closed_loop
from benchmarks.meter import Meter, middle
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import Server
from benchmarks.standard import DEADLINE_MS, ground
from benchmarks.world import World

BATCH, SEEN, LIMIT = 100, 20, 20
SETTLED_S = 1.0  # by then what trends is what all events say
SINGLE_PATH = "/v1/recommendations"


def queries() -> list[dict[str, Any]]:
    """Return what a hundred users ask for."""
    return [{"user_id": f"reader-{user}", "limit": LIMIT} for user in range(BATCH)]


def histories(world: World) -> bytes:
    """Return the request that gives every user a history."""
    rng = np.random.default_rng(9)
    events = [
        {"user_id": query["user_id"], "item_id": world.ids[item], "type": "click"}
        for query in queries()
        for item in rng.choice(len(world.ids), SEEN // 2, replace=False)
    ]
    return client.post("/v1/events", json.dumps({"events": events}).encode())


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    items = options.pick(full=100_000, short=20_000, tiny=2_000)
    seconds = options.pick(full=3.0, short=1.0, tiny=0.1)
    trees = options.pick(full=200, short=200, tiny=5)
    with ExitStack() as stack:
        base = ground(stack, items, trees)
        wanted = queries()
        singles = [
            client.post(SINGLE_PATH, json.dumps({**query, "deadline_ms": DEADLINE_MS}).encode())
            for query in wanted
        ]
        body = json.dumps({"queries": wanted, "deadline_ms": DEADLINE_MS}).encode()
        whole = client.post(f"{SINGLE_PATH}/batch", body)
        server = _serve(stack, base.url, base.world, singles[0])
        with closing(Connection(server.address)) as connection:
            for _ in range(2):  # what is left of the histories' cap, and warm
                assert connection.ask(histories(base.world)).status == 200
            time.sleep(SETTLED_S)
            _same(connection, singles, whole)
        # Requests, connections, slates per request.
        ways = {
            "one by one": (singles, 1, 1),
            "eight at a time": (singles, 8, 1),
            "batches of 100, one by one": ([whole], 1, BATCH),
        }
        meter = Meter(base.store)
        took: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for repetition in range(options.pick(full=9, short=5, tiny=1)):
            for way, (requests, connections, slates) in ways.items():
                say(f"{way}, {repetition + 1}")
                run = meter(
                    server,
                    lambda: closed_loop(server.address, requests, connections, seconds),  # noqa: B023  called at once
                )
                assert not run["failed"]
                took[way].append(_per_slate(run, slates))
    found = {way: middle(runs) for way, runs in took.items()}
    first = found["one by one"]["per_second"]
    return {
        "items": items,
        "ways": {way: {**run, "times": run["per_second"] / first} for way, run in found.items()},
    }


def _per_slate(run: dict[str, float], slates: int) -> dict[str, float]:
    cpu = {f"{who}_cpu_ms": run[f"{who}_cpu_ms"] / slates for who in ("server", "store", "client")}
    return {"per_second": run["per_second"] * slates, "p50_ms": run["p50_ms"], **cpu}


def _serve(stack: ExitStack, url: str, world: World, probe: bytes) -> Server:
    port = servers.free_port()
    # Refusing nothing: a machine with other work would make eight in turn wait too long.
    flags = ["--redis", url, "--artifact", str(world.artifact), "--longest-wait-ms", "0"]
    command = servers.braid(port, *flags)
    log = world.folder / "batch.log"
    return stack.enter_context(servers.serving("braid", command, port, probe, log))


def _same(connection: Connection, singles: list[bytes], whole: bytes) -> None:
    """Raise AssertionError unless a batch gives the slates of single requests."""
    slates = json.loads(connection.ask(whole).body)["slates"]
    for slate, single in zip(slates, singles, strict=True):
        assert slate["items"] == json.loads(connection.ask(single).body)["items"]


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
