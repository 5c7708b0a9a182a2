"""What is stored about one user, and how the reply that tells it is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features import keys
from features.batch import Commands
from features.codec import decode_rows, fingerprints, no_odd
from features.history import Entries, read_entries
from features.resp import Reply, bulk, parse
from features.schema import Schema
from features.types import Rows

ARRAY = ord("*")
GET, LRANGE = b"*2\r\n$3\r\nGET\r\n", b"*4\r\n$6\r\nLRANGE\r\n"
FIRST = bulk(0)


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


class UserReads(Commands):
    """A GET and ``lists`` LRANGEs (history, shown) for each user.

    A reply that is a list longer than was asked for ends the connection. ``odd`` counts the rows
    that were refused or imputed.
    """

    def __init__(
        self, user_ids: Sequence[str], schema: Schema, history_cap: int, shown_cap: int = 0
    ) -> None:
        self.odd = no_odd()
        self._user_ids = user_ids
        self._schema = schema
        self._step = 3 if shown_cap else 2
        words = [word for user in user_ids for word in _read_user(user, history_cap, shown_cap)]
        read_one = partial(_read_one, max(history_cap, shown_cap))
        super().__init__(words, (), reading=True, read_one=read_one)

    def slots(self) -> NDArray[np.int64]:
        """Return the slot of each command's key, int64[n]."""
        parts = [keys.partition(user) for user in self._user_ids]
        return np.repeat(np.array(keys.SLOTS)[parts], self._step)

    def records(self) -> list[UserRecord]:
        """Decode what was read."""
        values = [
            value if isinstance(value, bytes) else None for value in self.cells[:: self._step]
        ]
        rows, present = decode_rows(values, fingerprints(self._user_ids), self._schema, self.odd)
        step = self._step
        return [
            _record(row, known, self.cells[index * step + 1 : (index + 1) * step])
            for index, (row, known) in enumerate(zip(rows, present.tolist(), strict=True))
        ]


def _read_user(user_id: str, history_cap: int, shown_cap: int) -> Iterator[bytes]:
    yield GET + bulk(keys.user_row(user_id))
    yield b"%b%b%b%b" % (LRANGE, bulk(keys.user_history(user_id)), FIRST, bulk(history_cap - 1))
    if shown_cap:
        yield b"%b%b%b%b" % (LRANGE, bulk(keys.user_shown(user_id)), FIRST, bulk(shown_cap - 1))


def _read_one(
    longest: int, buffer: bytearray, start: int, stop: int
) -> tuple[Reply | Entries, int] | None:
    if start >= stop or buffer[start] != ARRAY:
        return parse(buffer, start, stop)
    line = buffer.find(b"\r\n", start, stop)
    if line < 0:
        return None
    count = int(buffer[start + 1 : line])
    if count > longest:
        raise ValueError("a list longer than was asked for")
    arrived = np.frombuffer(buffer, np.uint8, stop)[line + 2 :]
    read = read_entries(arrived, max(count, 0))
    return None if read is None else (read[0], line + 2 + read[1])


def _record(row: Rows, known: bool, lists: Sequence[Any]) -> UserRecord:
    history, *rest = (entries for entries in lists if isinstance(entries, Entries))
    shown, shown_times_ms = (rest[0].item_ids, rest[0].times_ms) if rest else ([], _never())
    if not np.count_nonzero(history.disliked):
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
