"""An approximate index for catalogues too large to look at whole."""

from typing import Final

# usearch carries a libstdc++ of its own whose symbols spoil the streams of any C++ library that
# brings in the shared one later (LightGBM then names its columns "Column_"). numba loads it first.
import numba  # noqa: F401
import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from features.types import Items

BREADTH: Final = 2
"""The beam is this many times as wide as the answer: recall for time."""


class Nearest:
    """Items by inner product with a vector, by HNSW (Malkov, Yashunin, TPAMI 2020).

    Immutable once made; any number of threads may ask it at once.
    """

    def __init__(self, index: Index) -> None:
        self._index = index

    @classmethod
    def build(cls, embeddings: NDArray[np.float32], threads: int = 0) -> Nearest:
        """Index float32[n, d] on that many threads, 0 for all.

        The order of insertion shapes the graph, so only one thread builds the same one twice.
        """
        index = Index(ndim=embeddings.shape[1], metric="ip", dtype="f32")
        index.add(np.arange(len(embeddings)), embeddings, threads=threads)
        return cls(index)

    @classmethod
    def of(cls, content: bytes, shape: tuple[int, int]) -> Nearest:
        """Read what `content` gave; raise ValueError unless it indexes vectors of that shape."""
        index = Index.restore(content)
        if index is None or (len(index), index.ndim) != shape:
            raise ValueError(f"is no index of {shape[0]} vectors of {shape[1]} dimensions")
        if int(np.max(np.asarray(index.keys), initial=0)) >= shape[0]:
            raise ValueError("holds a key that is no item")
        return cls(index)

    @property
    def content(self) -> bytes:
        """Return the index as bytes, for `of`."""
        content: bytes = bytes(self._index.save() or b"")
        return content

    def __call__(self, vector: NDArray[np.float32], k: int) -> Items:
        """Return up to k items for float32[d], int64[m], nearly the best and nearly in order."""
        found = self._index.search(vector, max(k, 1) * BREADTH, threads=1)
        return np.asarray(found.keys[:k], dtype=np.int64)
