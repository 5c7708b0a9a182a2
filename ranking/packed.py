"""Sequences of a whole catalogue in one piece of memory: an object is made when it is asked for.

Ten million ids, and as many records, are gigabytes of Python objects, minutes to make, and each
process has its own. As bytes they are a file that all processes of a machine share.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import eq
from typing import Any, Final, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from ranking.names import Names

_AT_ONCE: Final = 1 << 12
"""Places made to Python's integers at a time by who goes through all values."""


class Packed[T](Sequence[T]):
    """n values one behind the other in ``text`` uint8[m], each made by ``read`` from its bytes.

    ``starts`` int64[n + 1] is where each begins, and where the last one ends.
    """

    __slots__ = ("_read", "_view", "starts", "text")

    def __init__(
        self, text: NDArray[np.uint8], starts: NDArray[np.int64], read: Callable[[memoryview], T]
    ) -> None:
        self.text, self.starts = text, starts
        self._view, self._read = memoryview(text), read

    def __len__(self) -> int:
        """Return n."""
        return len(self.starts) - 1

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...
    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        """Make one value, or several at once."""
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self))))
        place = range(len(self))[place]  # counts from the end, too, and knows where that is
        start, end = self.starts[place : place + 2].tolist()
        return self._read(self._view[start:end])

    def __iter__(self) -> Iterator[T]:
        """Make one value after the other."""
        read, view = self._read, self._view
        for low in range(0, len(self), _AT_ONCE):
            for start, end in pairwise(self.starts[low : low + _AT_ONCE + 1].tolist()):
                yield read(view[start:end])

    def __eq__(self, other: object) -> bool:
        """Compare the bytes, and with any other sequence the values."""
        if isinstance(other, Packed):
            return np.array_equal(self.starts, other.starts) and np.array_equal(
                self.text, other.text
            )
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as long as a list's would be


class Amended[T](Sequence[T]):
    """``base`` with ``more`` behind it, and ``changes`` by place: what is as before is shared."""

    __slots__ = ("base", "changes", "more")

    def __init__(self, base: Sequence[T], changes: Mapping[int, T], more: tuple[T, ...]) -> None:
        self.base, self.changes, self.more = base, changes, more

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.base) + len(self.more)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...
    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        """Return the latest of one place, or of several."""
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self))))
        place = range(len(self))[place]
        if place in self.changes:
            return self.changes[place]
        first = len(self.base)
        return self.base[place] if place < first else self.more[place - first]


def amend[T](base: Sequence[T], changes: Mapping[int, T], more: Sequence[T]) -> Sequence[T]:
    """Return a sequence with ``more`` behind it, and then with ``changes`` by place.

    A tuple gives a tuple; of what is packed nothing is made.
    """
    if isinstance(base, tuple):
        longer = [*base, *more]
        for place, one in changes.items():
            longer[place] = one
        return tuple(longer)
    if isinstance(base, Amended):
        return Amended(base.base, {**base.changes, **changes}, (*base.more, *more))
    return Amended(base, changes, tuple(more))


class Codes(Mapping[str, int]):
    """Labels by `Names`, each with its place: a dict of them, in one piece."""

    __slots__ = ("labels", "names")

    def __init__(self, labels: Packed[str], names: Names) -> None:
        self.labels, self.names = labels, names

    def __len__(self) -> int:
        """Return how many labels there are."""
        return len(self.labels)

    def __iter__(self) -> Iterator[str]:
        """Go through the labels in the order of their places."""
        return iter(self.labels)

    def __getitem__(self, label: str) -> int:
        """Return a label's place."""
        found = self.names([label])
        if not len(found):
            raise KeyError(label)
        return int(found[0])


def packed_texts(names: Names) -> Packed[str]:
    """Return the texts of `Names`, whose memory they share."""
    ends = np.flatnonzero(names.text == 0)[: len(names)]
    return Packed(names.text, np.concatenate((np.zeros(1, np.int64), ends + 1)), as_text)


def as_text(piece: memoryview) -> str:
    """Read a text of `Names`, without its END."""
    return str(piece[:-1], "utf-8", "surrogatepass")


def as_record(piece: memoryview) -> dict[str, Any]:
    """Read one JSON object."""
    record: dict[str, Any] = msgspec.json.decode(piece)
    return record


def as_raw(piece: memoryview) -> msgspec.Raw:
    """Copy some JSON, to be written out as it is."""
    return msgspec.Raw(bytes(piece))
