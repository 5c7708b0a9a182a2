"""Swap models under load, and look whether any request notices (bar B13).

    python -m benchmarks.swap [--short | --tiny] [--json]

An open loop asks for W1 at 40 % of what the server can do, while two models of the same catalogue
are activated in turn, each read from disk, verified and tried each time. Their slates for every
request are known beforehand, so an answer that mixes them, or bears the other's version, is
found: it must be one of the two known ones, byte for byte.
"""

import json
import re
import shutil
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import client, servers
from benchmarks.client import (
    Address,
    Connection,
    Reply,
    arrivals,
    closed_loop,
    good,
    open_loop,
)
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import Server
from benchmarks.standard import Ground, ground, request, wishes
from benchmarks.world import train
from ranking.manifest import digest

LOAD = 0.4
PAUSE_S = 0.3
"""At least so long lies between two swaps, and as long as a swap took: half is outside of them."""
OTHER_TASTE = 11
REQUEST_ID = re.compile(rb'"request_id": ?"[^"]*"')


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    items: int
    trees: int
    swaps: int
    round_s: float
    follows: int


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    return options.pick(
        full=Plan(20_000, 200, 200, 20.0, 20),
        short=Plan(20_000, 200, 20, 10.0, 5),
        tiny=Plan(2_000, 5, 2, 1.0, 1),
    )


@dataclass
class Swaps:
    """What was changed, and when: pairs of `perf_counter` seconds."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def other_model(artifact: Path, text: str) -> Path:
    """Publish beside an artifact a second one, which differs from it in its model only."""
    second = shutil.copytree(artifact, artifact.with_name(artifact.name[:-1] + "2"))
    (second / "ranker.txt").write_text(text)
    path = second / "manifest.json"
    manifest = json.loads(path.read_bytes())
    seal = {"sha256": sha256(text.encode()).hexdigest(), "bytes": len(text.encode())}
    manifest["files"]["ranker.txt"] = seal
    manifest["version"] = second.name
    manifest.pop("golden", None)  # training saw another model's scores
    manifest["sha256"] = digest(manifest)
    path.write_text(json.dumps(manifest))
    return second


def change(connection: Connection, path: str, body: dict[str, str]) -> tuple[float, str]:
    """Ask for a change; return how long it took, and what was refused, if it was."""
    began = perf_counter()
    reply = connection.ask(client.post(path, json.dumps(body).encode()))
    return perf_counter() - began, "" if reply.status == 200 else reply.body.decode()


def activate(connection: Connection, version: str) -> float:
    """Activate a version; return the seconds it took."""
    took, fault = change(connection, "/v1/models/activate", {"version": version})
    assert not fault, fault
    return took


def essence(reply: Reply) -> bytes:
    """Return an answer without what differs each time."""
    assert reply.status == 200, reply.body
    return REQUEST_ID.sub(b"", reply.body)


def known_answers(
    address: Address, requests: list[bytes], versions: list[str]
) -> list[dict[bytes, str]]:
    """Return for each request the answer of each version, as they are at rest."""
    known: list[dict[bytes, str]] = [{} for _ in requests]
    with closing(Connection(address)) as connection:
        for version in versions:
            activate(connection, version)
            for answers, wanted in zip(known, requests, strict=True):
                answers[essence(connection.ask(wanted))] = version
    assert all(len(answers) == len(versions) for answers in known), "the models agree somewhere"
    return known


def keep_swapping(
    address: Address, versions: list[str], swaps: Swaps, most: int, ended: threading.Event
) -> None:
    """Activate the versions in turn until there were enough, or the round has ended."""
    with closing(Connection(address)) as connection:
        while not ended.is_set() and len(swaps.spans) < most:
            version = versions[len(swaps.spans) % len(versions)]
            began = perf_counter()
            took, fault = change(connection, "/v1/models/activate", {"version": version})
            swaps.spans.append((began, perf_counter()))
            if fault:
                swaps.refused.append(fault)
            ended.wait(max(PAUSE_S, took))


def under_load(
    server: Server, requests: list[bytes], versions: list[str], todo: Plan
) -> dict[str, Any]:
    """Swap under load; judge every answer, and tell those of the swaps from the others."""
    known = known_answers(server.address, requests, versions)
    capacity = closed_loop(server.address, requests, 8, todo.round_s / 5).per_second
    mixed, served = 0, dict.fromkeys(versions, 0)

    def accept(reply: Reply, index: int) -> bool:
        nonlocal mixed
        if not good(reply):
            return False
        version = known[index].get(essence(reply))
        if version is None:
            mixed += 1
            return False
        served[version] += 1
        return True

    swaps, memory = Swaps(), [server.memory_mib()["rss"]]
    inside, outside = list[NDArray[np.float64]](), list[NDArray[np.float64]]()
    while len(swaps.spans) < todo.swaps:
        say(f"swaps under load: {len(swaps.spans)} of {todo.swaps}")
        schedule = arrivals(LOAD * capacity, todo.round_s, len(inside))
        ended = threading.Event()
        first = len(swaps.spans)
        swapping = threading.Thread(
            target=keep_swapping, args=(server.address, versions, swaps, todo.swaps, ended)
        )
        swapping.start()
        run = open_loop(server.address, requests, schedule, accept=accept)
        ended.set()
        swapping.join()
        due = run.began_s + schedule
        spans = np.array(swaps.spans[first:]).reshape(-1, 2)
        # A request may begin before a swap and end in it: then it belongs to it.
        done = due + np.where(np.isinf(run.latencies_s), 0.0, run.latencies_s)
        during = ((done[:, None] >= spans[:, 0]) & (due[:, None] <= spans[:, 1])).any(axis=1)
        inside.append(run.latencies_s[during])
        outside.append(run.latencies_s[~during])
        memory.append(server.memory_mib()["rss"])
    took = np.array([stop - start for start, stop in swaps.spans])
    return {
        "capacity_per_second": capacity,
        "rate": LOAD * capacity,
        "swaps": len(swaps.spans),
        "refused": swaps.refused,
        "swap_ms": {"p50": _ms(took, 50), "p99": _ms(took, 99)},
        "failed": int(sum(np.isinf(part).sum() for part in (*inside, *outside))) - mixed,
        "mixed": mixed,
        "served": served,
        "during": _figures(inside),
        "outside": _figures(outside),
        "rss_mib": memory,
    }


def going_back(server: Server, versions: list[str], times: int) -> dict[str, float]:
    """Time rollbacks."""
    took = []
    with closing(Connection(server.address)) as connection:
        for number in range(times):
            activate(connection, versions[number % 2])
            activate(connection, versions[1 - number % 2])
            seconds, fault = change(connection, "/v1/models/rollback", {})
            assert not fault, fault
            took.append(seconds)
    return {"p50": _ms(np.array(took), 50), "most": _ms(np.array(took), 100)}


def following(
    leader: Server, follower: Server, versions: list[str], times: int
) -> dict[str, float]:
    """Time how long after the first replica's answer the second serves the same."""
    took = []
    with closing(Connection(leader.address)) as one, closing(Connection(follower.address)) as two:
        for _ in range(times):
            version = next(other for other in versions if other != _serves(two))
            activate(one, version)
            began = perf_counter()
            while _serves(two) != version:
                time.sleep(0.002)
            took.append(perf_counter() - began)
    return {"p50": _ms(np.array(took), 50), "most": _ms(np.array(took), 100)}


def _serves(connection: Connection) -> str:
    reply = connection.ask(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n")
    version: str = json.loads(reply.body)["model_version"]
    return version


def _figures(parts: list[NDArray[np.float64]]) -> dict[str, float]:
    whole = np.concatenate(parts)
    figures = {"requests": float(len(whole))}
    if len(whole):
        figures |= {f"p{share:g}_ms": _ms(whole, share) for share in (50, 95, 99, 99.9)}
    return figures


def _ms(seconds: NDArray[np.float64], share: float) -> float:
    return float(np.percentile(seconds, share, method="higher") * 1e3)


def measure(options: Options) -> dict[str, Any]:
    """Publish two models, serve them, swap."""
    todo = plan(options)
    with ExitStack() as stack:
        base: Ground = ground(stack, todo.items, todo.trees)
        say("train the other model")
        other = other_model(base.world.artifact, train(base.world.rows, todo.trees, OTHER_TASTE))
        versions = [base.world.artifact.name, other.name]
        requests = [request(wanted) for wanted in wishes(base.world, 16)]

        def served(name: str) -> Server:
            port = servers.free_port()
            flags = ["--redis", base.url, "--artifact", str(other.parent)]
            log = base.world.folder / f"{name}.log"
            command = servers.braid(port, *flags)
            return stack.enter_context(servers.serving(name, command, port, requests[0], log))

        leader = served("leader")
        found = under_load(leader, requests, versions, todo)
        say("rollbacks, and a second replica that follows")
        found["rollback_ms"] = going_back(leader, versions, todo.follows)
        found["follow_ms"] = following(leader, served("follower"), versions, todo.follows)
        return found


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
