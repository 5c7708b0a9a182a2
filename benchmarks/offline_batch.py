"""Time `braid batch` against a loop over users that asks the FastAPI service.

    python -m benchmarks.offline_batch [--short | --tiny] [--json]

Both make a slate of 20 for each user with the same forest of 200 trees over about 1000 candidates
of 64 features, MMR, features in one Valkey. Braid reads each user's history and finds the
candidates itself, by vector search and four other sources, and writes Parquet; the peer is given
its candidates, and its answers are thrown away. Braid is one process with a thread per core; the
peer has two workers, eight connections, and its client beside it. Slates are checked before
anything is timed. Reading the model is not in Braid's time, nor starting the peer in the peer's.
"""

import json
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import redis
from pyarrow.parquet import read_table

from benchmarks import client, servers
from benchmarks.client import Connection, closed_loop
from benchmarks.meter import middle
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import Server
from benchmarks.standard import CANDIDATES, DEADLINE_MS, DIVERSITY, Ground, ground, wishes
from features import bulk
from features.history import history_entry
from features.types import Query
from service.cores import cores
from service.experiments.choose import choose
from service.from_memory import answer_from_memory
from service.precompute.folder import opened
from service.precompute.ground import Ground as Model
from service.precompute.ground import standing
from service.precompute.job import Job, JobSettings
from service.precompute.recipe import Recipe
from service.precompute.run import make_slates

LIMIT, SEEN, CONNECTIONS, NOW_MS = 20, 20, 8, 1_790_000_000_000
SURFACES = """\
[surfaces.home.sources]
vector.quota = 650
cooccurrence.quota = 200
popularity.quota = 400
latest.quota = 10
trending.quota = 50
"""


def histories(base: Ground, user_ids: list[str]) -> None:
    """Give every user a past."""
    rng, ids = np.random.default_rng(9), base.world.ids
    pasts = (
        [history_entry(ids[item], "click", NOW_MS) for item in rng.integers(0, len(ids), SEEN)]
        for _ in user_ids
    )
    with redis.Redis.from_url(base.url) as store:
        bulk.write_histories(store, zip(user_ids, pasts, strict=True), SEEN, lambda _: None)


def make(
    stack: ExitStack, model: Model, user_ids: list[str], threads: int
) -> tuple[float, float, Path]:
    """Make every slate; return the seconds, of this process's processors too, and the folder."""
    settings = JobSettings(
        model_version=model.serving.snapshot.version,
        catalogue_serial=0,
        surface="home",
        surface_settings="",
        limit=LIMIT,
        seed=0,
        history_cap=SEEN,
        users=len(user_ids),
        user_list="",
        users_per_shard=1000,
    )
    recipe = Recipe.of(Job(settings, NOW_MS, model.live), model.serving, model.surfaces)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="braid-slates-")))
    with opened(folder) as output:
        cpu, began = process_time(), perf_counter()
        make_slates(recipe, user_ids, model.users, [output], threads, lambda *_: None)
        return perf_counter() - began, process_time() - cpu, folder


def candidates(model: Model, user_ids: list[str]) -> float:
    """Return how many candidates some users have, on average."""
    plan = model.serving.plans.of("home", choose(model.surfaces, "home", None))
    found = []
    for user_id, user in zip(user_ids, model.users(user_ids), strict=True):
        query = Query(user_id, limit=LIMIT)
        answer = answer_from_memory(query, plan, user, NOW_MS / 1e3, model.serving)
        found.append(len(answer.block.items))
    return float(np.mean(found))


def check(folder: Path, user_ids: list[str]) -> None:
    """Raise AssertionError unless each user has twenty different items, best first by MMR."""
    rows = [
        row for path in sorted(folder.glob("*.parquet")) for row in read_table(path).to_pylist()
    ]
    assert [row["user_id"] for row in rows] == user_ids
    for row in rows:
        assert len(set(row["item_ids"])) == len(row["item_ids"]) == LIMIT
        assert row["scores"][0] == max(row["scores"])


def peer(stack: ExitStack, base: Ground) -> tuple[Server, list[bytes]] | None:
    """Start the peer with two workers; None where its environment is not there."""
    if not servers.PEER_PYTHON.exists():
        return None
    asked = {"limit": LIMIT, "diversity": DIVERSITY, "deadline_ms": DEADLINE_MS}
    requests = [
        client.post("/v1/rank", json.dumps({"candidates": wanted, **asked}).encode())
        for wanted in wishes(base.world, 50)
    ]
    port = servers.free_port()
    environment = {
        "W1_FOLDER": str(base.world.folder),
        "W1_REDIS": base.url,
        "W1_THREADS": "1",
        "PYTHONPATH": str(servers.ROOT),
        "NUMBA_CACHE_DIR": str(base.world.folder / "numba"),
    }
    command = servers.peer(port, "--workers", "2")
    log = base.world.folder / "peer.log"
    server = stack.enter_context(
        servers.serving("fastapi", command, port, requests[0], log, environment)
    )
    with closing(Connection(server.address)) as connection:
        items = json.loads(connection.ask(requests[0]).body)["items"]
    assert len({item["item_id"] for item in items}) == len(items) == LIMIT
    assert items[0]["score"] == max(item["score"] for item in items)
    return server, requests


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    items = options.pick(full=100_000, short=20_000, tiny=2_000)
    user_count = options.pick(full=6_000, short=2_000, tiny=60)
    seconds = options.pick(full=6.0, short=3.0, tiny=0.2)
    with ExitStack() as stack:
        base = ground(stack, items, options.pick(full=200, short=200, tiny=5))
        user_ids = [f"reader-{number}" for number in range(user_count)]
        histories(base, user_ids)
        surfaces = base.world.folder / "surfaces.toml"
        surfaces.write_text(SURFACES)
        say("read the model")
        model = stack.enter_context(
            standing(base.world.artifact, base.url, surfaces, SEEN, lambda *_: None)
        )
        found = candidates(model, user_ids[:50])
        say("start the peer")
        asked = peer(stack, base)
        ways: dict[str, list[dict[str, float]]] = {}
        for repetition in range(options.pick(full=5, short=3, tiny=1)):
            for threads in {1, cores()}:
                name = f"braid batch, {threads} thread{'s'[: threads > 1]}"
                say(f"{name}, {repetition + 1}")
                took, cpu_s, folder = make(stack, model, user_ids, threads)
                check(folder, user_ids)
                run = {"per_second": user_count / took, "cpu_ms": cpu_s / user_count * 1e3}
                ways.setdefault(name, []).append(run)
            if asked is not None:
                say(f"fastapi, {repetition + 1}")
                server, requests = asked
                before = server.cpu_s()
                told = closed_loop(server.address, requests, CONNECTIONS, seconds)
                assert not told.failed
                cpu_ms = (server.cpu_s() - before) / len(told.latencies_s) * 1e3
                run = {"per_second": told.per_second, "cpu_ms": cpu_ms}
                ways.setdefault("fastapi, 2 workers", []).append(run)
    middles = {way: middle(runs) for way, runs in ways.items()}
    slowest = middles.get("fastapi, 2 workers", {}).get("per_second")
    for way in middles.values():
        way["times"] = way["per_second"] / slowest if slowest else float("nan")
    return {
        "items": items,
        "users": user_count,
        "candidates": {"braid": round(found), "fastapi": CANDIDATES},
        "ways": middles,
    }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
