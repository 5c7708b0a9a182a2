"""The catalogue as the store addresses it."""

from collections.abc import Iterable

import numpy as np
from numba import types
from numpy.typing import NDArray

from features import keys
from features.atomics import copy
from features.codec import Fingerprints, fingerprints
from features.kernels import inputs, kernel, output
from features.resp import bulk
from features.schema import Schema
from features.types import Items

# atomics.py: 31854f1f52b8ff68b532a12314d078606b3b63a76cefed583e7ec60fbbb63341

type Bytes = NDArray[np.uint8]
type Longs = NDArray[np.int64]


class ItemTable:
    """Keys, encoded already and one behind the other, and fingerprints, by ordinal."""

    __slots__ = ("_ends", "_keys", "_longest", "_owners", "schema")

    def __init__(self, ids: Iterable[str], schema: Schema) -> None:
        ids = tuple(ids)
        self.schema = schema
        encoded = [bulk(keys.item_row(item_id)) for item_id in ids]
        sizes = [len(key) for key in encoded]
        self._keys = np.frombuffer(b"".join(encoded), np.uint8)
        self._ends = np.cumsum([0, *sizes], dtype=np.int64)  # ends[i] is where i begins
        self._longest = max(sizes, default=0)
        self._owners = fingerprints(ids)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._owners)

    def mget(self, items: Items) -> tuple[bytes, Fingerprints]:
        """Return the MGET command for ``items`` and the fingerprints its rows must bear.

        Raises:
            IndexError: one of them is no ordinal.
        """
        head = b"*%d\r\n$4\r\nMGET\r\n" % (len(items) + 1)
        words = np.empty(len(head) + len(items) * self._longest, np.uint8)
        words[: len(head)] = np.frombuffer(head, np.uint8)
        owners = np.empty(len(items), np.uint64)
        end = join(items, self._keys, self._ends, self._owners, len(head), words, owners)
        if end < 0:
            raise IndexError(f"no ordinals of {len(self)} items: {items}")
        return words[:end].tobytes(), owners


@kernel(
    inputs(types.int64),
    inputs(types.uint8),
    inputs(types.int64),
    inputs(types.uint64),
    types.int64,
    output(types.uint8),
    output(types.uint64),
    returns=types.int64,
)
def join(
    items: Items,
    keys: Bytes,
    ends: Longs,
    owners: Fingerprints,
    at: int,
    words: Bytes,
    owners_out: Fingerprints,
) -> int:
    """Write the items' keys to ``words`` from ``at`` on; return where they end, -1 for no item."""
    known = np.uint64(len(owners))
    for place in range(len(items)):
        item = items[place]
        if np.uint64(item) >= known:
            return -1
        size = ends[item + 1] - ends[item]
        copy(words, at, keys, ends[item], size)
        owners_out[place] = owners[item]
        at += size
    return at
