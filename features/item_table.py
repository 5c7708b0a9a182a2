"""The catalogue as the store addresses it."""

from collections.abc import Iterable, Mapping
from copy import copy as twin
from itertools import batched
from typing import Any, ClassVar, Self

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
AT_ONCE = 1 << 16
LONGEST_HEAD = 33  # a star, the digits of a number of words, and the name
NAME = np.frombuffer(b"\r\n$4\r\nMGET\r\n", np.uint8)
STAR, ZERO = b"*0"


class ItemTable:
    """Keys, encoded already and one behind the other, and what their rows must look like.

    ``owners`` holds the fingerprints by ordinal, uint64[items], and ``parts`` the partitions of
    `features.keys`, uint8[items]. ``layout`` is what every row of ``schema`` has in common: the
    bytes before it in a reply, its stamp, and its default.
    """

    ARRAYS: ClassVar = ("keys", "ends", "owners", "parts")

    __slots__ = ("_ends", "_keys", "_longest", "layout", "owners", "parts", "schema")

    def __init__(self, ids: Iterable[str], schema: Schema) -> None:
        self._keys = np.zeros(BLOCK, np.uint8)
        self._ends = np.zeros(1, np.int64)  # ends[i] is where i begins
        self._longest = 0
        self.schema = schema
        self.owners = fingerprints(())
        self.parts = np.empty(0, np.uint8)
        self._take(ids)
        prefix = np.frombuffer(b"$%d\r\n" % row_bytes(schema), np.uint8)
        self.layout = prefix, stamp(schema), schema.default_row

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]], longest: int, schema: Schema) -> Self:
        """Return the table that had these `arrays`: nothing is made anew."""
        table = cls((), schema)
        table._keys, table._ends, table.owners, table.parts = (arrays[one] for one in cls.ARRAYS)
        table._longest = longest
        return table

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that it holds for each item, by `ARRAYS`."""
        own = self._keys, self._ends, self.owners, self.parts
        return dict(zip(self.ARRAYS, own, strict=True))

    @property
    def longest(self) -> int:
        """Return the bytes of the longest key, as it is written."""
        return self._longest

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.owners)

    def ids(self, items: Items) -> list[str]:
        """Return the ids of ``items``, int64[n]."""
        words, ends = memoryview(self._keys), self._ends
        encoded = (bytes(words[ends[item] : ends[item + 1]]) for item in items.tolist())
        return [keys.item_of(word[word.index(b"\n") + 1 : -2]) for word in encoded]

    def appended(self, ids: Iterable[str]) -> ItemTable:
        """Return this table with more items behind the others."""
        longer = twin(self)
        longer._take(ids)
        return longer

    def _take(self, ids: Iterable[str]) -> None:
        """Bind arrays with these items, too; those of other tables stay as they are.

        Some at a time: all keys of a large catalogue as Python objects are gigabytes.
        """
        text, sizes = bytearray(), [np.empty(0, np.int64)]
        owners, parts = [self.owners], [self.parts]
        for some in batched(ids, AT_ONCE, strict=False):
            encoded = [bulk(keys.item_row(item_id)) for item_id in some]
            text += b"".join(encoded)
            sizes.append(np.fromiter(map(len, encoded), np.int64, len(some)))
            owners.append(fingerprints(some))
            parts.append(np.fromiter(map(keys.partition, some), np.uint8, len(some)))
        text += bytes(BLOCK)
        more = np.concatenate(sizes)
        self._keys = np.concatenate((self._keys[:-BLOCK], np.frombuffer(text, np.uint8)))
        self._ends = np.concatenate((self._ends, self._ends[-1] + np.cumsum(more)))
        self._longest = max(self._longest, int(more.max(initial=0)))
        self.owners, self.parts = np.concatenate(owners), np.concatenate(parts)

    def mget(self, items: Items, bounds: Longs | None = None) -> memoryview:
        """Return the MGET command for ``items``, in memory of its own.

        Or several, one behind the other: int64[g + 1] ``bounds`` are where the items of each begin
        in ``items``, and where the last one's end.

        Raises:
            IndexError: one of them is no ordinal.
        """
        if bounds is None:
            bounds = np.array([0, len(items)])
        room = (len(bounds) - 1) * LONGEST_HEAD + len(items) * self._longest + BLOCK
        words = np.empty(room, np.uint8)
        end = write_mgets(items, bounds, self._keys, self._ends, words)
        if end < 0:
            raise IndexError(f"no ordinals of {len(self)} items: {items}")
        return memoryview(words)[:end]


@kernel(
    inputs(types.int64),
    inputs(types.int64),
    inputs(types.uint8),
    inputs(types.int64),
    output(types.uint8),
    returns=types.int64,
)
def write_mgets(items: Items, bounds: Longs, keys: Bytes, ends: Longs, words: Bytes) -> int:
    """Write the commands to ``words``; return where they end, -1 for no item.

    ``keys`` and ``words`` are a block longer than what they hold: a key is copied in whole
    blocks, which are moves of vector registers, and what follows covers what was too much.
    """
    at, known = 0, np.uint64(len(ends) - 1)
    for command in range(len(bounds) - 1):
        count = bounds[command + 1] - bounds[command] + 1
        words[at] = STAR
        digits, rest = 1, count // 10
        while rest:
            digits, rest = digits + 1, rest // 10
        at += digits
        for place in range(digits):
            words[at - place] = ZERO + count % 10
            count //= 10
        at += 1
        words[at : at + len(NAME)] = NAME
        at += len(NAME)
        for place in range(bounds[command], bounds[command + 1]):
            item = items[place]
            if np.uint64(item) >= known:
                return -1
            start = ends[item]
            size = ends[item + 1] - start
            for block in range(0, size, BLOCK):
                copy(words, at + block, keys, start + block, BLOCK)
            at += size
    return at
