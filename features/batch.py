"""Commands of one key each that go to the store together, to one server or to several."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.errors import CommandRefused
from features.resp import Reply, command, parse
from features.types import Items

type Payload = bytes | bytearray | memoryview
type ReadOne = Callable[[bytearray, int, int], tuple[Any, int] | None]
"""Reads one reply from ``buffer[start:stop]``: (value, end), or None while it is incomplete."""

ASKING = command("ASKING")


class Reader(Protocol):
    """Takes the replies to some of a batch's commands; `features.pending.Decode` otherwise."""

    @property
    def refused(self) -> Sequence[tuple[Items, CommandRefused]]:
        """The places of the commands that were refused, and why."""

    def __call__(self, buffer: bytearray, start: int, stop: int) -> tuple[Any, int] | None:
        """Return ``(anything, end)`` when all replies are there."""


class Batch(Protocol):
    """Commands by place, 0 to n - 1, and where their replies are kept.

    ``reading`` tells that nothing changes where a command is run twice.
    """

    reading: bool

    def slots(self) -> NDArray[np.int64]:
        """Return the slot of each command's key, int64[n]."""

    def whole(self) -> tuple[Payload, Reader]:
        """Return all commands, for one server, and what reads their replies."""

    def some(self, places: Items, *, apart: bool = False) -> tuple[Payload, Reader]:
        """Return the commands at these places; ``apart``, none needs another one of them."""


class CellReader:
    """Decodes as many replies as there are places, each once, into ``cells`` at those places."""

    __slots__ = ("_at", "_cells", "_next", "_places", "_read_one", "refused")

    def __init__(self, places: Sequence[int], cells: list[Any], read_one: ReadOne = parse) -> None:
        self._places = places
        self._cells = cells
        self._read_one = read_one
        self._next = 0
        self._at = 0  # behind what was read, from where the replies start
        self.refused: list[tuple[Items, CommandRefused]] = []

    def __call__(self, buffer: bytearray, start: int, stop: int) -> tuple[list[Any], int] | None:
        """Return ``(cells, end)``, or None while bytes are missing.

        Raises:
            ValueError: these bytes are not RESP, or not the replies to these commands.
        """
        at = start + self._at
        read_one, places, cells = self._read_one, self._places, self._cells
        for next_ in range(self._next, len(places)):
            found = read_one(buffer, at, stop)
            if found is None:
                self._next, self._at = next_, at - start
                return None
            value, at = found
            if isinstance(value, CommandRefused):
                self.refused.append((np.array([places[next_]]), value))
            else:
                cells[places[next_]] = value
        self._next, self._at = len(places), at - start
        return cells, at


class Commands:
    """Commands as they are, and their replies in ``cells``, where None is no reply yet.

    ``alone`` are the words of a command that does not come behind another of these: by default
    the same.
    """

    def __init__(
        self,
        words: Sequence[bytes],
        slots: Sequence[int],
        *,
        reading: bool = False,
        alone: Sequence[bytes] | None = None,
        read_one: ReadOne = parse,
    ) -> None:
        self.reading = reading
        self.cells: list[Reply] = [None] * len(words)
        self._words = words
        self._slots = slots
        self._alone = words if alone is None else alone
        self._read_one = read_one

    def slots(self) -> NDArray[np.int64]:
        """Return the slot of each command's key, int64[n]."""
        return np.array(self._slots, np.int64)

    def whole(self) -> tuple[bytes, CellReader]:
        """Return all commands, for one server, and what reads their replies."""
        words = self._words
        if self._alone is not words:
            words = (self._alone[0], *words[1:])
        payload = b"".join(words)
        return payload, CellReader(range(len(self._words)), self.cells, self._read_one)

    def some(self, places: Items, *, apart: bool = False) -> tuple[bytes, CellReader]:
        """Return the commands at these places; ``apart``, none needs another one of them."""
        first, *rest = wanted = places.tolist()
        behind = self._alone if apart else self._words
        payload = b"".join((self._alone[first], *(behind[place] for place in rest)))
        return payload, CellReader(wanted, self.cells, self._read_one)


class Asked:
    """Commands for a server that does not own their slots yet (``-ASK``), each by itself."""

    __slots__ = ("_at", "_next", "_places", "_readers", "payload", "refused")

    def __init__(self, batch: Batch, places: Items) -> None:
        parts = [batch.some(places[at : at + 1], apart=True) for at in range(len(places))]
        self.payload = b"".join(word for payload, _ in parts for word in (ASKING, payload))
        self.refused: list[tuple[Items, CommandRefused]] = []
        self._readers = [reader for _, reader in parts]
        self._next = self._at = 0
        self._places = places

    def __call__(self, buffer: bytearray, start: int, stop: int) -> tuple[None, int] | None:
        """Return ``(None, end)``, or None while bytes are missing."""
        while self._next < 2 * len(self._readers):
            asking, place = not self._next % 2, self._next // 2
            read = parse if asking else self._readers[place]
            found = read(buffer, start + self._at, stop)
            if found is None:
                return None
            value, end = found
            if not asking:
                refusals = list(self._readers[place].refused)
                if isinstance(value, CommandRefused):
                    refusals = [(self._places[place : place + 1], value)]
                self.refused += refusals
            self._next, self._at = self._next + 1, end - start
        return None, start + self._at
