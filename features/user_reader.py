"""What is stored about one user, and how the reply that tells it is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.codec import decode_rows, fingerprints
from features.errors import CommandRefused
from features.history import Entries, read_entries
from features.resp import Reply, parse
from features.schema import Schema
from features.types import Rows

ARRAY = ord("*")


def _never() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class UserRecord:
    """What is stored about one user: ``row`` is float32[u].

    ``history`` are the items consumed, latest first and repeats kept, at ``times_ms`` int64[h].
    An item whose latest entry is a dislike stands in ``disliked`` instead, and none of its entries
    in the history. ``shown`` is what the user was shown, latest first, at ``shown_times_ms``
    int64[s]; empty where it was not asked for.
    """

    row: Rows
    known: bool
    history: list[str]
    times_ms: NDArray[np.int64] = field(default_factory=_never)
    disliked: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    shown_times_ms: NDArray[np.int64] = field(default_factory=_never)


class UserReader:
    """Decodes the replies to a GET and ``lists`` LRANGEs (history, shown) for each user, once.

    Called by the connection, again and again, with what has arrived so far; what it has read it
    does not read again. Where one or more commands were refused, the first refusal stands for all.
    """

    __slots__ = ("_at", "_lists", "_longest", "_read", "_refusal", "_schema", "_user_ids")

    def __init__(
        self, user_ids: Sequence[str], schema: Schema, lists: int = 1, longest: int = 10_000
    ) -> None:
        self._user_ids = user_ids
        self._schema = schema
        self._lists = lists
        self._longest = longest
        self._read: list[Reply | Entries] = []
        self._at = 0  # behind what was read, from where the reply starts
        self._refusal: CommandRefused | None = None

    def __call__(
        self, buffer: bytearray, start: int, stop: int
    ) -> tuple[list[UserRecord] | CommandRefused, int] | None:
        """Return ``(records, end)``, or None while bytes are missing.

        Raises:
            ValueError: these bytes are not RESP, or not the replies to these commands.
        """
        while len(self._read) < len(self._user_ids) * (1 + self._lists):
            found = self._next(buffer, start + self._at, stop)
            if found is None:
                return None
            value, end = found
            self._at = end - start
            self._read.append(value)
            if isinstance(value, CommandRefused) and self._refusal is None:
                self._refusal = value
        return self._refusal or self._records(), start + self._at

    def _next(self, buffer: bytearray, start: int, stop: int) -> tuple[Reply | Entries, int] | None:
        if start >= stop or buffer[start] != ARRAY:
            return parse(buffer, start, stop)
        line = buffer.find(b"\r\n", start, stop)
        if line < 0:
            return None
        count = int(buffer[start + 1 : line])
        if count > self._longest:
            raise ValueError("a list longer than was asked for")
        arrived = np.frombuffer(buffer, np.uint8, stop)[line + 2 :]
        read = read_entries(arrived, max(count, 0))
        return None if read is None else (read[0], line + 2 + read[1])

    def _records(self) -> list[UserRecord]:
        step = 1 + self._lists
        values = [value if isinstance(value, bytes) else None for value in self._read[::step]]
        rows, present = decode_rows(values, fingerprints(self._user_ids), self._schema)
        return [
            _record(row, known, self._read[index * step + 1 : (index + 1) * step])
            for index, (row, known) in enumerate(zip(rows, present.tolist(), strict=True))
        ]


def _record(row: Rows, known: bool, lists: Sequence[Reply | Entries]) -> UserRecord:
    history, *rest = (entries for entries in lists if isinstance(entries, Entries))
    shown, shown_times_ms = (rest[0].item_ids, rest[0].times_ms) if rest else ([], _never())
    if not history.disliked.any():
        return UserRecord(row, known, history.item_ids, history.times_ms, [], shown, shown_times_ms)
    item_ids, flags = history.item_ids, history.disliked.tolist()
    last = dict(zip(reversed(item_ids), reversed(flags), strict=True))  # the latest entry wins
    kept = [place for place, item_id in enumerate(item_ids) if not (flags[place] or last[item_id])]
    return UserRecord(
        row,
        known,
        [item_ids[place] for place in kept],
        history.times_ms[kept],
        [item_id for item_id in dict.fromkeys(item_ids) if last[item_id]],
        shown,
        shown_times_ms,
    )
