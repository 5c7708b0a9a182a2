"""Time 1000 x 64 float32 rows from one server and from clusters of three and six masters.

    python -m benchmarks.cluster [--short | --tiny] [--json]

Beside what the features stage does (all nodes asked at once, replies decoded by the event loop as
they come): the same commands over a blocking socket for each node, decoded by one thread, by a
thread for each node, and received without being decoded; and redis-py's client of a cluster. No
row is near. Results are checked equal before they are timed. What threads could win at the most is
the time of decoding alone.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import uvloop

from benchmarks.features import SCHEMA, Line, check, free_port, loop_clock, result, show
from benchmarks.machine import describe
from benchmarks.options import parse, say
from benchmarks.timing import interleave
from features import keys
from features.address import Address
from features.batch import Reader
from features.bulk import write_items
from features.client import Client, connect
from features.codec import decode_rows
from features.item_reads import ItemReads
from features.item_table import ItemTable
from features.store import FeatureStore
from features.types import Items, Rows
from service.embedded import EmbeddedValkey
from tests.features.cluster import LocalCluster

N, WIDTH, ITEMS = 1000, 64, 10_000
PATIENT_S = 30.0
NODES = (1, 3, 6)


class Share:
    """What one node has of a read: a blocking line to it, and the places of its rows."""

    def __init__(self, address: Address, places: Items) -> None:
        self.line = Line(address)
        self.places = places
        self.size = 0

    def send(self, reads: ItemReads) -> Reader:
        """Write this node's commands; return what reads the replies."""
        payload, reader = reads.some(self.places)
        self.line.send(payload)
        return reader

    def receive(self, reader: Reader) -> None:
        """Read until the replies are there, decoding what has come so far."""
        got = 0
        while reader(self.line.buffer, 0, got) is None:
            got += self.line.receive(got)
        self.size = got

    def drain(self) -> None:
        """Read as many bytes as the last time, and decode nothing."""
        got = 0
        while got < self.size:
            got += self.line.receive(got)


class ByNode:
    """Reads the same rows over one blocking line for each node."""

    def __init__(self, table: ItemTable, items: Items, shares: list[Share]) -> None:
        self._table, self._items, self._shares = table, items, shares
        self._threads = ThreadPoolExecutor(len(shares))

    def one_thread(self) -> Rows:
        """Send to all nodes, then receive and decode node by node."""
        reads = ItemReads(self._table, self._items)
        for share, reader in [(share, share.send(reads)) for share in self._shares]:
            share.receive(reader)
        return reads.rows

    def thread_for_each(self) -> Rows:
        """Send to all nodes, then receive and decode each one's replies on its own thread."""
        reads = ItemReads(self._table, self._items)
        readers = [share.send(reads) for share in self._shares]
        list(self._threads.map(Share.receive, self._shares, readers))
        return reads.rows

    def thrown_away(self) -> Rows:
        """Send to all nodes, then receive node by node, and decode nothing."""
        reads = ItemReads(self._table, self._items)
        for share in self._shares:
            share.send(reads)
        for share in self._shares:
            share.drain()
        return np.empty((0, 0), np.float32)

    def decode(self) -> Rows:
        """Decode what the lines' buffers hold since the last read."""
        reads = ItemReads(self._table, self._items)
        for share in self._shares:
            reads.some(share.places)[1](share.line.buffer, 0, share.size)
        return reads.rows

    def close(self) -> None:
        """Hang up."""
        self._threads.shutdown()
        for share in self._shares:
            share.line.close()


@contextmanager
def nodes(count: int) -> Iterator[tuple[str, Callable[[int], Address]]]:
    """Start one server, or a cluster of so many masters; enter with its URL and slots' owners."""
    if count == 1:
        port = free_port()
        with EmbeddedValkey(port):
            url = f"redis://127.0.0.1:{port}"
            yield url, lambda _: Address.parse(url)
    else:
        with LocalCluster(count) as cluster:
            owners = {slot: cluster.owner(slot).port for slot in set(keys.SLOTS)}
            yield cluster.url, lambda slot: Address.parse(f"redis://127.0.0.1:{owners[slot]}")


def by_redis_py(client: Client, table: ItemTable, ids: list[str], items: Items) -> Rows:
    """Read by redis-py: one MGET, or those for each slot that its client of a cluster makes."""
    names = [keys.item_row(ids[item]) for item in items.tolist()]
    mget: Any = getattr(client, "mget_nonatomic", client.mget)
    return decode_rows(mget(names), table.owners[items], SCHEMA)[0]


def time_nodes(count: int, effort: dict[str, Any]) -> dict[str, Any]:
    """Time all contestants on so many nodes."""
    ids = [f"item-{number}" for number in range(ITEMS)]
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((ITEMS, WIDTH), np.float32)
    table, items = ItemTable(ids, SCHEMA), rng.choice(ITEMS, N, replace=False)
    with ExitStack() as stack:
        url, owner = stack.enter_context(nodes(count))
        client = stack.enter_context(connect(url))
        write_items(client, ids, rows, SCHEMA, lambda _: None)
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        store = FeatureStore(Address.parse(url), PATIENT_S, 1)
        runner.run(store.open())
        stack.callback(lambda: runner.run(store.close()))
        by_address: dict[Address, list[int]] = {}
        for place, slot in enumerate(ItemReads(table, items).slots().tolist()):
            by_address.setdefault(owner(slot), []).append(place)
        assert len(by_address) == count
        shares = [Share(at, np.array(places)) for at, places in by_address.items()]
        lines = ByNode(table, items, shares)
        stack.callback(lines.close)

        async def braid() -> Rows:
            return (await store.read_items(table, items, PATIENT_S))[0]

        calls = {
            "sockets, one thread": lines.one_thread,
            "sockets, a thread for each node": lines.thread_for_each,
            "bare sockets, thrown away": lines.thrown_away,
            "redis-py": lambda: by_redis_py(client, table, ids, items),
            "decoding alone": lines.decode,
        }
        for name, call in calls.items():
            check(name, call(), rows[items])
        check("braid", runner.run(braid()), rows[items])
        clocks = {"braid": loop_clock(braid, lambda: None, runner)}
        figures = interleave(calls, clocks=clocks, **effort)
    case = f"{N} x {WIDTH} from {count} node{'s' * (count > 1)}"
    return result(case, "bare sockets, thrown away", figures)


def main() -> None:
    """Time one, three and six nodes."""
    options = parse(__doc__ or "")
    effort = options.pick(
        {"repetitions": 41, "seconds": 0.05},
        {"repetitions": 15, "seconds": 0.03},
        {"repetitions": 2, "seconds": 0.01},
    )
    results = []
    for count in options.pick(NODES, NODES, (3,)):
        say(f"{N} rows from {count}")
        results.append(time_nodes(count, effort))
    if options.json:
        json.dump({"machine": describe(), "results": results}, sys.stdout)
        return
    for case in results:
        show(case)


if __name__ == "__main__":
    main()
