"""Time 1000 x 64 float32 features read by Braid and by Feast, from one Valkey.

    python -m benchmarks.feast [--short | --tiny] [--json]

Braid: the rows near (the near cache) and far (one MGET, decoded), and its own reader of what Feast
has written. Feast: its SDK in-process, with redis-py and hiredis as well as with GLIDE, and its
Python feature server by HTTP, with the settings of its guide to tuning; the features as 64 named
ones, as blobs precomputed for a feature service, and as one array. Values are compared before
anything is timed. Left out of Feast's time, in its favour: making an array of the SDK's answer, and
reading the server's JSON. The same items each time, one request at a time, turn by turn.
"""

import asyncio
import json
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from benchmarks import client, features, servers
from benchmarks.client import Connection, Run, closed_loop, good
from benchmarks.features import FAR_ITEMS, WIDTH, N, World
from benchmarks.line_peer import LinePeer
from benchmarks.meter import figures, middle
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import ROOT, Server
from benchmarks.timing import Clock, clock
from features.address import Address
from features.feast.store import FeastStore
from features.feast.view import Feast, View
from features.item_table import ItemTable
from features.schema import Schema
from features.types import Rows
from service.embedded import EmbeddedValkey

PYTHON = ROOT / ".venv-feast" / "bin" / "python"
SERVICES = {"wide": "64 features", "precomputed": "64 precomputed", "packed": "one array of 64"}
"""Feast's feature services, and how each declares the same numbers."""

type Read = Callable[[float], tuple[Run, float]]
"""Read for so many seconds; give the run, and the CPU seconds of whoever read."""


@dataclass(frozen=True)
class Contestant:
    """One way to the rows; ``rows`` is what it reads, to be compared."""

    about: str
    rows: Rows
    read: Read


class Sdk:
    """Feast's SDK in its own process, which fills the store and times itself."""

    def __init__(self, stack: ExitStack, folder: Path, address: str) -> None:
        program = ROOT / "benchmarks" / "peers" / "feature_repo.py"
        command = [str(PYTHON), str(program), str(folder), address]
        self._peer = stack.enter_context(LinePeer(command))
        self.about: dict[str, Any] = self._peer.hear()

    def contestant(self, redis_client: str, service: str, about: str) -> Contestant:
        """Return one that reads with this Redis client."""

        def read(seconds: float) -> tuple[Run, float]:
            answer = self._peer.ask(redis_client, service, seconds)
            return _run(answer["seconds"]), answer["cpu_s"]

        rows = np.asarray(self._peer.ask(redis_client, service, 0)["rows"], np.float32)
        return Contestant(about, rows, read)


def _run(seconds: Sequence[float]) -> Run:
    return Run(np.asarray(seconds), math.fsum(seconds), 0.0)


def serve(stack: ExitStack, folder: Path, probe: bytes) -> Server:
    """Start `feast serve`: one worker, for there is one request at a time."""
    port = servers.free_port()
    command = [str(PYTHON.with_name("feast")), "--chdir", str(folder / "glide"), "serve"]
    command += ["--port", str(port), "--no-access-log", "--registry_ttl_sec", "300"]
    command += ["--max-requests", "10000"]
    return stack.enter_context(
        servers.serving("feast serve", command, port, probe, folder / "serve.log")
    )


def request(service: str, wanted: Sequence[str]) -> bytes:
    """Return the HTTP request for these items."""
    body: dict[str, Any] = {"feature_service": service, "entities": {"item_id": wanted}}
    body["full_feature_names"] = service == "precomputed"
    return client.post("/get-online-features", json.dumps(body).encode())


def served(server: Server, ask: bytes, about: str) -> Contestant:
    """Return one that reads by HTTP."""

    def read(seconds: float) -> tuple[Run, float]:
        before = server.cpu_s()
        run = closed_loop(server.address, [ask], 1, seconds)
        return run, server.cpu_s() - before

    with closing(Connection(server.address)) as connection:
        answer = connection.ask(ask)
    assert good(answer), answer.body[:300]
    return Contestant(about, rows_of(json.loads(answer.body)), read)


def rows_of(answer: Mapping[str, Any]) -> Rows:
    """Return the rows in a server's answer, in the order of the features."""
    names = answer["metadata"]["feature_names"]
    columns = dict(zip(names, (result["values"] for result in answer["results"]), strict=True))
    del columns["item_id"]
    values = np.asarray([columns[name] for name in sorted(columns)], np.float32)
    return values[0] if values.ndim == 3 else values.T


def timed(about: str, rows: Rows, clock: Clock) -> Contestant:
    """Return one that reads in this process."""

    def read(seconds: float) -> tuple[Run, float]:
        before = process_time()
        return _run(clock(seconds)), process_time() - before

    return Contestant(about, rows, read)


def adapter(
    stack: ExitStack, runner: asyncio.Runner, world: World, address: Address, packed: bool
) -> Contestant:
    """Return Braid's own reader of what Feast has written: 64 named features, or one array."""
    names = [{"name": f"f{column:02}"} for column in range(WIDTH)]
    declared = [{"name": "packed", "shape": [WIDTH]}] if packed else names
    schema = Schema.parse({"name": "item", "version": 1, "features": declared})
    view = View("item_id", "packed" if packed else "wide")
    store = FeastStore(address, Feast("bench", address.url, view), features.PATIENT_S, 1)
    runner.run(store.open())
    stack.callback(lambda: runner.run(store.close()))
    table, wanted = ItemTable(world.ids, schema), world.reads[0]

    async def read() -> Rows:
        rows, _ = await store.read_items(table, wanted, features.PATIENT_S)
        return rows

    return timed(
        "1000 HMGETs of Feast's hashes",
        runner.run(read()),
        features.loop_clock(read, lambda: None, runner),
    )


def contest(
    stack: ExitStack, folder: Path, port: int
) -> tuple[dict[str, Contestant], dict[str, Any]]:
    """Fill the store and start everyone; return them, and what Feast says of itself."""
    world, warm = World(FAR_ITEMS), World(FAR_ITEMS)
    wanted = world.reads[0]
    address = Address.parse(f"redis://127.0.0.1:{port}")
    calls, coroutines, runner = stack.enter_context(features.far(world, address))
    warm.warm()
    (folder / "ids.json").write_text(json.dumps(world.ids))
    np.save(folder / "rows.npy", world.rows)
    np.save(folder / "wanted.npy", wanted)
    say("Feast: declare the features, fill the store")
    sdk = Sdk(stack, folder, f"127.0.0.1:{port}")
    names = [world.ids[item] for item in wanted]
    requests = {service: request(service, names) for service in SERVICES}
    say("Feast: start the server")
    server = serve(stack, folder, requests["packed"])

    def near() -> Rows:
        return warm.near.gather(wanted).rows

    found = {
        "braid, near": timed("every row in the near cache", near(), clock(near)),
        "braid, far": timed(
            "no row in the near cache: one MGET",
            runner.run(coroutines["braid"]()),
            features.loop_clock(coroutines["braid"], world.near.flush, runner),
        ),
        "braid, 64 features of Feast": adapter(stack, runner, world, address, packed=False),
        "braid, an array of Feast": adapter(stack, runner, world, address, packed=True),
        "redis-py": timed(
            "one MGET of Braid's rows, no hiredis",
            calls["redis-py"](),
            clock(calls["redis-py"]),
        ),
        "feast SDK, redis-py, 64 features": sdk.contestant("redis", "wide", "with hiredis"),
    }
    for service, kind in SERVICES.items():
        found[f"feast SDK, {kind}"] = sdk.contestant("glide", service, "by GLIDE")
    for service, kind in SERVICES.items():
        found[f"feast serve, {kind}"] = served(server, requests[service], "by GLIDE; HTTP, JSON")
    for name, one in found.items():
        assert one.rows.shape == (N, WIDTH), (name, one.rows.shape)
        assert one.rows.tobytes() == world.rows[wanted].tobytes(), name
    return found, sdk.about | {"server_memory_mib": server.memory_mib()}


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    seconds = options.pick(full=3.0, short=1.0, tiny=0.01)
    repetitions = options.pick(full=7, short=3, tiny=1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="braid-feast-")))
        port = servers.free_port()
        valkey = stack.enter_context(EmbeddedValkey(port))
        store = Server("valkey", valkey.pid, ("127.0.0.1", port))
        contestants, about = contest(stack, folder, port)
        for one in contestants.values():
            one.read(0.01)  # warm
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
        names = [*contestants]
        for repetition in range(repetitions):
            for name in names[repetition % len(names) :] + names[: repetition % len(names)]:
                say(f"repetition {repetition + 1}/{repetitions}: {name}")
                before = store.cpu_s()
                run, cpu_s = contestants[name].read(seconds)
                assert not run.failed, name
                runs[name].append(figures(run, cpu_s, store.cpu_s() - before))
    return {
        "rows": N,
        "features": WIDTH,
        "repetitions": repetitions,
        "feast": about,
        "ways": {
            name: {"about": contestants[name].about, **middle(taken)}
            for name, taken in runs.items()
        },
    }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
