"""Time the search for the best 500 of many vectors, exact and approximate (bar B9).

    python -m benchmarks.retrieval [--short | --tiny] [--json]

64 float32 dimensions, inner product, vectors in clusters and vectors without any structure. An
exact search has to read every vector once, so the bandwidth of memory, measured here in the same
turns, is what it is held against. faiss runs in the peers' environment, for it has no wheel for
this Python.
"""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from usearch.index import Index
from usearch.index import search as usearch_search

from benchmarks.line_peer import LinePeer
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import PEER_PYTHON, ROOT
from features.types import Items
from ranking.scan.search import Search
from ranking.scan.sketch import Sketch

DIMENSIONS, K = 64, 500
THREADS = 2
EXACT, SKETCH, HNSW = "braid, exact", "braid, sketch", "usearch HNSW"
BEAMS = (2, 4)  # times K: how far HNSW looks

type Vectors = NDArray[np.float32]
type Rival = Callable[[Vectors], Items]


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    worlds: Sequence[tuple[int, str]]
    indexed_up_to: int
    calls: int
    repetitions: int
    queries: int
    faiss: bool = True


def plan(options: Options) -> Plan:
    """Return what goes with the size; only the tiny one goes without faiss if it is not there."""
    small, large = (
        tuple((n, data) for data in ("clusters", "uniform")) for n in (100_000, 1_000_000)
    )
    return options.pick(
        full=Plan((*small, *large), 100_000, 10, 7, 50),
        short=Plan((small[0], *large), 100_000, 4, 3, 20),
        tiny=Plan(((20_000, "clusters"),), 20_000, 2, 1, 3, PEER_PYTHON.exists()),
    )


def draw(n: int, data: str, queries: int) -> tuple[Vectors, Vectors]:
    """Draw vectors, in clusters or anywhere, and sums of a few as queries, all of unit length."""
    rng = np.random.default_rng(n)
    vectors = rng.standard_normal((n, DIMENSIONS), np.float32)
    if data == "clusters":
        centres = rng.standard_normal((200, DIMENSIONS), np.float32)
        vectors *= np.float32(0.7)
        vectors += centres[rng.integers(0, len(centres), n)]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = vectors[rng.integers(0, n, (queries, 5))].sum(axis=1)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    return vectors, asked


@njit(nogil=True, fastmath=True, cache=True)
def read(values: Vectors) -> np.float32:
    """Read float32[n] once, with as little work as there is."""
    total = np.float32(0.0)
    for i in range(len(values)):
        total += values[i]
    return total


def bandwidth(vectors: Vectors, threads: int, pool: ThreadPoolExecutor) -> Callable[[], object]:
    """Return a call that reads all vectors once on that many threads."""
    parts = np.array_split(vectors.reshape(-1), threads)
    read(parts[0][:1])  # compiles it
    if threads == 1:
        return lambda: read(parts[0])
    return lambda: [part.result() for part in [pool.submit(read, part) for part in parts]]


class Faiss:
    """`IndexFlatIP` in its own process, which times itself."""

    def __init__(self, stack: ExitStack, folder: Path, vectors: Vectors, queries: Vectors) -> None:
        np.save(folder / "vectors.npy", vectors)
        np.save(folder / "queries.npy", queries)
        program = ROOT / "benchmarks" / "peers" / "search.py"
        files = [str(folder / "vectors.npy"), str(folder / "queries.npy"), str(K)]
        self._peer = stack.enter_context(LinePeer([str(PEER_PYTHON), str(program), *files]))
        self.version = self._peer.hear()["faiss"]

    def __call__(self, threads: int, count: int) -> dict[str, Any]:
        """Return the milliseconds of ``count`` searches, and what the first query found."""
        answer: dict[str, Any] = self._peer.ask(threads, count)
        return answer


def rivals_of(
    vectors: Vectors, sketch: Sketch, index: Index | None, pool: ThreadPoolExecutor
) -> dict[str, Rival]:
    """Return every search of this process."""
    blocked = np.zeros(len(vectors), np.bool_)

    def ours(sketch: Sketch | None, threads: int) -> Rival:
        def find(query: Vectors) -> Items:
            search = Search(vectors, query, blocked, K, sketch)
            edges = [search.blocks * part // threads for part in range(threads + 1)]
            if threads == 1:
                return search.best([search.part(*edges)])[0]
            parts = [pool.submit(search.part, *pair) for pair in pairwise(edges)]
            return search.best([part.result() for part in parts])[0]

        return find

    def numpy_exact(query: Vectors) -> Items:
        scores = vectors @ query
        found = np.argpartition(scores, len(scores) - K)[len(scores) - K :]
        return found[np.argsort(-scores[found])]

    def hnsw(index: Index, beam: int) -> Rival:
        return lambda query: index.search(query, beam * K, threads=1).keys[:K].astype(np.int64)

    found: dict[str, Rival] = {
        EXACT: ours(None, 1),
        f"{EXACT}, {THREADS} threads": ours(None, THREADS),
        SKETCH: ours(sketch, 1),
        f"{SKETCH}, {THREADS} threads": ours(sketch, THREADS),
        "numpy": numpy_exact,
        "usearch exact": lambda query: usearch_search(
            vectors, query, K, metric="ip", exact=True, threads=1
        ).keys.astype(np.int64),
    }
    if index is not None:
        found |= {f"{HNSW}, beam {beam * K}": hnsw(index, beam) for beam in BEAMS}
    return found


def recall(found: Items, expected: Items) -> float:
    """Return the share of the expected that was found."""
    return len(np.intersect1d(found, expected)) / len(expected)


def run(n: int, data: str, todo: Plan, folder: Path) -> dict[str, Any]:
    """Check what everybody finds, then time them in turns."""
    say(f"draw {n} vectors, {data}")
    vectors, queries = draw(n, data, todo.queries)
    start = perf_counter()
    sketch = Sketch.draw(vectors)
    drawn_s, index, built_s = perf_counter() - start, None, None
    if n <= todo.indexed_up_to:
        say(f"index {n} vectors, {data}")
        start = perf_counter()
        index = Index(ndim=DIMENSIONS, metric="ip", dtype="f32")
        index.add(np.arange(n), vectors, threads=THREADS)
        built_s = perf_counter() - start
    with ExitStack() as stack, ThreadPoolExecutor(THREADS) as pool:
        faiss = Faiss(stack, folder, vectors, queries) if todo.faiss else None
        rivals = rivals_of(vectors, sketch, index, pool)
        exact = [np.argsort(-(vectors @ query), kind="stable")[:K] for query in queries[:20]]
        recalls = {
            name: float(
                np.mean([recall(search(q), e) for q, e in zip(queries, exact, strict=False)])
            )
            for name, search in rivals.items()
        }
        if faiss is not None:
            recalls["faiss flat"] = recall(np.array(faiss(1, 1)["items"]), exact[0])
        for name, share in recalls.items():
            # float32 sums in another order may swap the last of the 500 with the next.
            assert share >= 0.995 or name.startswith((SKETCH, HNSW)), (name, share)
        took = _time(vectors, queries, rivals, faiss, todo, pool)
    megabytes = vectors.nbytes / 1e6
    return {
        "vectors": n,
        "data": data,
        "dimensions": DIMENSIONS,
        "k": K,
        "megabytes": megabytes,
        "sketch_drawn_s": drawn_s,
        "sketch_megabytes": sketch.cells.nbytes / 1e6,
        "index_built_s": built_s,
        "faiss": faiss and faiss.version,
        "recall": recalls,
        "ms": {name: median(times) for name, times in took.items()},
        "best_ms": {name: min(times) for name, times in took.items()},
    }


def _time(
    vectors: Vectors,
    queries: Vectors,
    rivals: dict[str, Rival],
    faiss: Faiss | None,
    todo: Plan,
    pool: ThreadPoolExecutor,
) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {}
    for repetition in range(todo.repetitions):
        say(f"search {len(vectors)} vectors {repetition + 1}/{todo.repetitions}")
        for threads in (1, THREADS):
            call = bandwidth(vectors, threads, pool)
            took.setdefault(f"read memory, {threads} thread(s)", []).extend(
                _ms(call) for _ in range(todo.calls)
            )
            if faiss is not None:
                name = "faiss flat" if threads == 1 else f"faiss flat, {threads} threads"
                took.setdefault(name, []).extend(faiss(threads, todo.calls)["ms"])
        for name, search in rivals.items():
            for turn in range(todo.calls):
                query = queries[(repetition * todo.calls + turn) % len(queries)]
                took.setdefault(name, []).append(_ms(lambda: search(query)))  # noqa: B023  called at once
    return took


def _ms(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return (perf_counter() - start) * 1e3


def measure(options: Options) -> list[dict[str, Any]]:
    """Run every size and return the results."""
    todo = plan(options)
    with tempfile.TemporaryDirectory(prefix="braid-bench-") as folder:
        return [run(n, data, todo, Path(folder)) for n, data in todo.worlds]


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, {"sizes": measure(options)})


if __name__ == "__main__":
    main()
