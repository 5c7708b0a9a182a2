"""The standard work W1 as it goes over the wire, and the store and the catalogue under it."""

import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import redis

from benchmarks import client, servers
from benchmarks.options import say
from benchmarks.servers import Server
from benchmarks.world import World, build, fill
from service.embedded import EmbeddedValkey

CANDIDATES, LIMIT, DEPTH, DIVERSITY = 1000, 50, 250, 0.3
DEADLINE_MS = 10_000  # far away: an answer that leaves a stage out would be no W1


@dataclass(frozen=True)
class Ground:
    """A catalogue, published, and a store that holds its rows."""

    world: World
    store: Server
    url: str


def ground(stack: ExitStack, items: int, trees: int, *, labelled: bool = False) -> Ground:
    """Build the catalogue and fill a store, which go when the stack closes.

    ``labelled`` items have a genre and a year, besides their titles.
    """
    say("train the forest, publish the catalogue")
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="braid-bench-"))
    world = build(Path(folder), items, trees, labelled=labelled)
    port = servers.free_port()
    valkey = stack.enter_context(EmbeddedValkey(port))
    url = f"redis://127.0.0.1:{port}"
    say("fill the store")
    with redis.Redis.from_url(url) as connection:
        fill(world, connection)
    return Ground(world, Server("valkey", valkey.pid, ("127.0.0.1", port)), url)


def wishes(world: World, count: int, candidates: int = CANDIDATES) -> list[list[str]]:
    """Draw what clients ask for: lists of candidates."""
    rng = np.random.default_rng(5)
    return [
        [world.ids[item] for item in rng.choice(len(world.ids), candidates, replace=False)]
        for _ in range(count)
    ]


def request(candidates: Sequence[str]) -> bytes:
    """Return the HTTP request for W1 over these candidates."""
    body = {
        "candidates": candidates,
        "limit": LIMIT,
        "diversity": DIVERSITY,
        "deadline_ms": DEADLINE_MS,
    }
    return client.post("/v1/rank", json.dumps(body).encode())
