"""The catalogue as the store addresses it."""

from collections.abc import Iterable
from copy import copy as twin

import numpy as np
from numba import types
from numpy.typing import NDArray

from features import keys
from features.atomics import copy
from features.codec import fingerprints, row_bytes, stamp
from features.kernels import inputs, kernel, output
from features.resp import bulk
from features.schema import Schema
from features.types import Items

# atomics.py: 31854f1f52b8ff68b532a12314d078606b3b63a76cefed583e7ec60fbbb63341

type Bytes = NDArray[np.uint8]
type Longs = NDArray[np.int64]

BLOCK = 32
HEAD = 32  # where the first key stands: the words before it end there
NAME = np.frombuffer(b"\r\n$4\r\nMGET\r\n", np.uint8)
STAR, ZERO = b"*0"


class ItemTable:
    """Keys, encoded already and one behind the other, and what their rows must look like.

    ``owners`` holds the fingerprints by ordinal, uint64[items]. ``layout`` is what every row of
    ``schema`` has in common: the bytes before it in a reply, its stamp, and its default.
    """

    __slots__ = ("_ends", "_keys", "_longest", "layout", "owners", "schema")

    def __init__(self, ids: Iterable[str], schema: Schema) -> None:
        self._keys = np.zeros(BLOCK, np.uint8)
        self._ends = np.zeros(1, np.int64)  # ends[i] is where i begins
        self._longest = 0
        self.schema = schema
        self.owners = fingerprints(())
        self._take(tuple(ids))
        prefix = np.frombuffer(b"$%d\r\n" % row_bytes(schema), np.uint8)
        self.layout = prefix, stamp(schema), schema.default_row

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.owners)

    def appended(self, ids: Iterable[str]) -> ItemTable:
        """Return this table with more items behind the others."""
        longer = twin(self)
        longer._take(tuple(ids))
        return longer

    def _take(self, ids: tuple[str, ...]) -> None:
        """Bind arrays with these items, too; those of other tables stay as they are."""
        encoded = [bulk(keys.item_row(item_id)) for item_id in ids]
        sizes = [len(key) for key in encoded]
        more = np.frombuffer(b"".join([*encoded, bytes(BLOCK)]), np.uint8)
        self._keys = np.concatenate((self._keys[:-BLOCK], more))
        ends = self._ends[-1] + np.cumsum(sizes, dtype=np.int64)
        self._ends = np.concatenate((self._ends, ends))
        self._longest = max([self._longest, *sizes])
        self.owners = np.concatenate((self.owners, fingerprints(ids)))

    def mget(self, items: Items) -> memoryview:
        """Return the MGET command for ``items``, in memory of its own.

        Raises:
            IndexError: one of them is no ordinal.
        """
        words = np.empty(HEAD + len(items) * self._longest + BLOCK, np.uint8)
        begin, end = write_mget(items, self._keys, self._ends, words)
        if end < 0:
            raise IndexError(f"no ordinals of {len(self)} items: {items}")
        return memoryview(words)[begin:end]


@kernel(
    inputs(types.int64),
    inputs(types.uint8),
    inputs(types.int64),
    output(types.uint8),
    returns=types.UniTuple(types.int64, 2),  # type: ignore[no-untyped-call]
)
def write_mget(items: Items, keys: Bytes, ends: Longs, words: Bytes) -> tuple[int, int]:
    """Write the command to ``words``; return where it begins and ends, (0, -1) for no item.

    ``keys`` and ``words`` are a block longer than what they hold: a key is copied in whole
    blocks, which are moves of vector registers, and the next key covers what was too much.
    """
    begin = HEAD - len(NAME)
    words[begin:HEAD] = NAME
    count = len(items) + 1
    while count:
        begin -= 1
        words[begin] = ZERO + count % 10
        count //= 10
    begin -= 1
    words[begin] = STAR
    at, known = HEAD, np.uint64(len(ends) - 1)
    for item in items:
        if np.uint64(item) >= known:
            return 0, -1
        start = ends[item]
        size = ends[item + 1] - start
        for block in range(0, size, BLOCK):
            copy(words, at + block, keys, start + block, BLOCK)
        at += size
    return begin, at
