"""Weigh and time catalogues of 0.1, 1 and 10 million items, mapped and shared by two replicas.

    python -m benchmarks.size [--short | --tiny] [--json]

Vectors of 64 float32 in clusters, 16 features, 10 neighbours, a title, a category and a year for
each item; the artifact is written block by block, laid out once (`braid layout`), and two replicas
map it. Each is weighed as the kernel counts (RSS; PSS splits what is shared), after requests from
strangers' sessions. The search alone is timed here, over the same mapped files, exact and by the
sketch, and the one is held against the other. Then replicas start from the disk, with the page
cache emptied of all these files. The store is empty: rows are the artifact's.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks import servers
from benchmarks.client import Connection, post
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import ROOT, Server
from benchmarks.size_world import build
from features.types import Items
from ranking.scan.search import Search
from ranking.snapshot import Snapshot
from service.embedded import EmbeddedValkey
from service.mapped import MappedModels

K = 500
READY = b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n"
QUERY_OF = 5
"""A query is the sum of so many items' vectors."""
MIB = 2**20


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    sizes: Sequence[int]
    searches: int
    exact: int
    requests: int
    starts: int


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    small, large, largest = 100_000, 1_000_000, 10_000_000
    return options.pick(
        full=Plan((small, large, largest), 200, 20, 500, 2),
        short=Plan((small, large), 100, 10, 200, 1),
        tiny=Plan((60_000,), 3, 2, 5, 1),
    )


def run(items: int, todo: Plan) -> dict[str, Any]:
    """Make one catalogue, serve it, and take it away again."""
    with ExitStack() as stack:
        # On a disk: what is in a memory file system is memory, and would be counted as such.
        (ROOT / "build").mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="size-", dir=ROOT / "build"))
        stack.callback(shutil.rmtree, folder)
        say(f"write {items} items")
        artifact, shelves = build(folder / "artifacts", items), folder / "mapped"
        say(f"lay {items} items out")
        began = perf_counter()
        layout = ["-m", "service.cli", "layout", "--artifact", artifact, "--mapped", shelves]
        weighed = _run_and_weigh([sys.executable, *map(str, layout)], folder / "layout.log")
        laid_out_s = perf_counter() - began
        port = servers.free_port()
        stack.enter_context(EmbeddedValkey(port))
        flags: tuple[str, ...] = ("--artifact", str(artifact), "--mapped", str(shelves))
        flags += ("--redis", f"redis://127.0.0.1:{port}", "--longest-wait-ms", "0")
        ready, replicas = [], ExitStack()
        for start in range(todo.starts):
            replicas.close()
            say(f"start {items} items {start + 1}/{todo.starts}")
            replicas, began = stack.enter_context(ExitStack()), perf_counter()
            one = _serve(replicas, flags, folder / "one.log")
            ready.append(perf_counter() - began)
        other = _serve(replicas, flags, folder / "other.log")
        say(f"ask {items} items")
        asked = [_ask(server, items, todo.requests) for server in (one, other)]
        memory = [server.memory_mib() for server in (one, other)]
        replicas.close()
        say(f"search {items} items")
        searched = _search(MappedModels(shelves).read(artifact).snapshot, todo)
        cold = []
        for start in range(todo.starts):
            say(f"start {items} items from the disk {start + 1}/{todo.starts}")
            _forget(folder)
            with ExitStack() as alone:
                began = perf_counter()
                _serve(alone, flags, folder / "cold.log")
                cold.append(perf_counter() - began)
        return {
            "items": items,
            "artifact_mib": _size_mib(artifact),
            "mapped_mib": _size_mib(shelves),
            "laid_out_s": laid_out_s,
            "layout_mib": weighed,
            "ready_s": median(ready),
            "cold_s": median(cold),
            "rss_mib": [one["rss"] for one in memory],
            "pss_mib": [one["pss"] for one in memory],
            "asked": asked[0],
            **searched,
        }


def _run_and_weigh(command: Sequence[str], log: Path) -> float:
    """Run a command to its end; return the most memory it had resident, in MiB."""
    with log.open("w") as words:
        done = subprocess.run(
            ["/usr/bin/env", "python3", "-c", _WEIGH, *command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=words,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(log.read_text()[-1000:] + done.stdout.decode()[-500:])
    return float(done.stdout.split()[-1]) / 1024


_WEIGH = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def _serve(stack: ExitStack, flags: Sequence[str], log: Path) -> Server:
    port = servers.free_port()
    return stack.enter_context(
        servers.serving("braid", servers.braid(port, *flags), port, READY, log)
    )


def _forget(folder: Path) -> None:
    """Have the kernel's page cache drop every file of a folder, which nobody may have mapped."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())  # what is not on the disk yet would stay
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _ask(server: Server, items: int, count: int) -> dict[str, float]:
    """Ask for strangers' slates, each after a session of some items; return milliseconds."""
    rng = np.random.default_rng(1)
    took, stages = [], []
    with closing(Connection(server.address)) as connection:
        for number in range(count + 3):
            session = [f"item-{item:08d}" for item in rng.integers(0, items, QUERY_OF)]
            body = {"user_id": f"stranger-{number}", "limit": 20, "seed_items": session}
            request = post(
                "/v1/recommendations", msgspec.json.encode({**body, "deadline_ms": 10_000})
            )
            began = perf_counter()
            reply = connection.ask(request)
            elapsed = perf_counter() - began
            if reply.status != 200:
                raise RuntimeError(f"{reply.status}: {reply.body[:300]!r}")
            if number >= 3:  # the first few open connections
                took.append(elapsed * 1e3)
                told = re.search(rb"retrieve;dur=([\d.]+)", reply.head)
                stages.append(float(told[1]) if told else 0.0)
    return {
        **_quantiles("request", took),
        **_quantiles("retrieve", stages),
    }


def _search(snapshot: Snapshot, todo: Plan) -> dict[str, Any]:
    rng, vectors = np.random.default_rng(2), snapshot.embeddings
    blocked = np.zeros(len(vectors), np.bool_)
    chosen = rng.integers(0, len(vectors), (todo.searches, QUERY_OF))
    queries = vectors[chosen].sum(axis=1)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)

    def find(query: NDArray[np.float32], sketch: bool) -> tuple[Items, float]:
        began = perf_counter()
        search = Search(vectors, query, blocked, K, snapshot.sketch if sketch else None)
        items, _ = search.best([search.part(0, search.blocks)])
        return items, (perf_counter() - began) * 1e3

    find(queries[0], True)
    quick = [find(query, True) for query in queries]
    exact = [find(query, False) for query in queries[: todo.exact]]
    shares = [len(np.intersect1d(a[0], b[0])) / K for a, b in zip(quick, exact, strict=False)]
    return {
        **_quantiles("search", [took for _, took in quick]),
        **_quantiles("exact", [took for _, took in exact]),
        "recall": float(np.mean(shares)),
        "worst_recall": min(shares),
    }


def _quantiles(name: str, milliseconds: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.quantile(milliseconds, (0.5, 0.99))
    return {f"{name}_p50_ms": float(p50), f"{name}_p99_ms": float(p99)}


def _size_mib(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MIB


def measure(options: Options) -> list[dict[str, Any]]:
    """Run every size and return the results."""
    todo = plan(options)
    return [run(items, todo) for items in todo.sizes]


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, {"sizes": measure(options)})


if __name__ == "__main__":
    main()
