"""A model's vectors in a Redis 8 vector set: HNSW over int8, spoken to as to any Redis."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from features.address import Address
from features.errors import CommandRefused, StoreUnavailable
from features.resp import command
from ranking.snapshot import Snapshot
from service.vectors.line import Line

LINKS: Final = 16
"""Of each vector to its neighbours (HNSW's M), Redis' own default."""
BUILD_BEAM: Final = 200
"""How far is looked for these (efConstruction), Redis' own default."""
LOADERS: Final = 8
"""Commands under way while loading: Redis looks for neighbours in threads of its own (CAS)."""
WINDOW: Final = 4096
"""Vectors that are all there before the next come, so that their number tells where to go on."""
TIMEOUT_S: Final = 0.25
LOADING_TIMEOUT_S: Final = 60.0

type Floats = NDArray[np.float32]
type Progress = Callable[[str, int, int], None]


class VectorSet:
    """The vectors of models in one Redis, a key for each version.

    Redis keeps directions and finds by cosine; models rank by inner product, in which long vectors
    count more. So each vector gets one more coordinate, sqrt(longest**2 - its length**2), and a
    query a zero there: then all are of one length, and the order by cosine is that by inner product
    (Bachrach et al., Speeding Up the Xbox Recommender System, RecSys 2014, section 3).
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    @classmethod
    def at(cls, url: str, timeout_s: float = TIMEOUT_S) -> Self:
        """Return that of the server at a URL; nothing is asked yet.

        Raises:
            ValueError: it is none of one server.
        """
        address = Address.parse(url)
        if address.kind != "server":
            raise ValueError(f"{address!r}: a vector set lives on one server; give that one's URL")
        return cls(Line(address, timeout_s))

    def close(self) -> None:
        """Close the connections."""
        self._line.close()

    def find(self, version: str, query: Floats, count: int, beam: int) -> list[str]:
        """Return up to ``count`` ids of a model's items, the best for float32[d] first.

        Raises:
            StoreUnavailable: no answer in time, the server said no, or has not got that model.
        """
        wanted = np.append(query, np.float32(0.0)).astype("<f4").tobytes()
        words = ("VSIM", key(version), "FP32", wanted, "COUNT", count, "EF", beam)
        found = self._line.ask(command(*words))
        if not isinstance(found, list) or not found:
            raise StoreUnavailable("store_refused", f"has no vectors of {version}; load them")
        return [one.decode() for one in found if isinstance(one, bytes)]

    def load(self, snapshot: Snapshot, progress: Progress) -> None:
        """Write a model's vectors, under another name until all are there; again does no harm.

        Raises:
            StoreUnavailable: the server said no, or is gone; what was written stays, and to load
                again goes on behind it.
        """
        vectors, ids = snapshot.embeddings, snapshot.catalogue.ids
        longest = max((float(lengths(part).max()) for part in parts(vectors)), default=0.0)
        name, total = f"{key(snapshot.version)}:loading", len(ids)

        def add(item: int) -> None:
            vector = np.append(vectors[item], missing(vectors[item : item + 1], longest))
            words = ("VADD", name, "FP32", vector.astype("<f4").tobytes(), ids[item])
            self._line.ask(command(*words, "CAS", "Q8", "EF", BUILD_BEAM, "M", LINKS))

        done = self._line.ask(command("VCARD", name))
        first = done // WINDOW * WINDOW if isinstance(done, int) else 0
        with ThreadPoolExecutor(LOADERS) as pool:
            for low in range(first, total, WINDOW):
                progress("vectors", low, total)
                for _ in pool.map(add, range(low, min(low + WINDOW, total))):
                    pass
        self._line.ask(command("RENAME", name, key(snapshot.version)))
        progress("vectors", total, total)

    def forget(self, version: str) -> None:
        """Remove a model's vectors.

        Raises:
            StoreUnavailable: the server is gone.
        """
        self._line.ask(command("UNLINK", key(version), f"{key(version)}:loading"))

    def holds(self, version: str) -> int:
        """Return how many vectors of a model there are.

        Raises:
            StoreUnavailable: the server is gone.
        """
        try:
            found = self._line.ask(command("VCARD", key(version)))
        except CommandRefused:  # before Redis 8 there is no such command
            return 0
        return found if isinstance(found, int) else 0


def key(version: str) -> str:
    """Return the key of a model's vectors."""
    return f"braid:vectors:{{{version}}}"


def parts(vectors: Floats) -> list[Floats]:
    """Return the vectors in pieces: they may be more than there is memory for."""
    return [vectors[low : low + (1 << 16)] for low in range(0, len(vectors), 1 << 16)]


def lengths(vectors: Floats) -> NDArray[np.float64]:
    """Return the length of each, float64[n]."""
    return np.linalg.norm(vectors.astype(np.float64), axis=1)


def missing(vectors: Floats, longest: float) -> NDArray[np.float64]:
    """Return the coordinate that makes each as long as the longest, float64[n]."""
    return np.sqrt(np.maximum(longest**2 - lengths(vectors) ** 2, 0.0))
