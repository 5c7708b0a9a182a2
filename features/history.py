"""What a user did, as lists in the store keep it, and the fast way to read a long one.

A list is in the order of writing; late events lie ahead of younger ones, so timestamps decide.
redis-py, or our own `parse`, makes an object of each entry, which takes longer than a request
may; two kernels walk through the reply instead, and what is left of it are columns.
"""

from typing import Final, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output

LONGEST_TIMESTAMP: Final = 18  # digits that fit an int64
END: Final = "\0"  # stands between two ids, so it cannot be in one

DISLIKE: Final = b"dislike"

_DISLIKE = np.frombuffer(DISLIKE, np.uint8)
_CR, _LF = b"\r\n"
_BULK, _COLON, _ZERO, _NINE = b"$:09"

type Bytes = NDArray[np.uint8]


class Entries(NamedTuple):
    """Entries of one list, latest first: ``times_ms`` int64[n], ``disliked`` bool[n]."""

    item_ids: list[str]
    times_ms: NDArray[np.int64]
    disliked: NDArray[np.bool_]


def history_entry(item_id: str, event_type: str, timestamp_ms: int) -> str:
    """Return one interaction as a list keeps it; the id stands last, as it may hold colons."""
    return f"{timestamp_ms}:{event_type}:{item_id}"


def read_entries(reply: Bytes, count: int) -> tuple[Entries, int] | None:
    """Read ``count`` bulk strings, the elements of a RESP array, from the start of a reply.

    Returns:
        The entries and where they end, or None while bytes are missing. Entries of equal time
        keep the list's order; one of another form is passed over.

    Raises:
        ValueError: these bytes are not RESP.
    """
    times = np.empty(count, np.int64)
    places = np.empty((2, count), np.int64)
    disliked = np.empty(count, np.bool_)
    found, end, ordered = walk(reply, count, _DISLIKE, times, places[0], places[1], disliked)
    if end < 0:
        if end == _BROKEN:
            raise ValueError("not RESP: bulk strings were expected")
        return None
    times, places, disliked = times[:found], places[:, :found], disliked[:found]
    if not ordered:
        order = np.argsort(-times, kind="stable")
        times, places, disliked = times[order], places[:, order], disliked[order]
    if not found:
        return Entries([], times, disliked), end
    starts, stops = np.ascontiguousarray(places)
    text = np.empty(int((stops - starts).sum()) + found, np.uint8)
    copy_out(reply, starts, stops, text)
    item_ids = text[:-1].tobytes().decode(errors="replace").split(END)
    return Entries(item_ids, times, disliked), end


_WAIT, _BROKEN = -1, -2


@inlined
def _number(text: Bytes, start: int, stop: int) -> int:
    """Return the integer whose digits stand from start to stop; -1 where it is none."""
    if not 0 < stop - start <= LONGEST_TIMESTAMP:
        return -1
    value = np.int64(0)
    for at in range(start, stop):
        if not _ZERO <= text[at] <= _NINE:
            return -1
        value = 10 * value + np.int64(text[at]) - _ZERO
    return int(value)


@inlined
def _find(text: Bytes, wanted: int, start: int, stop: int) -> int:
    """Return where a byte stands first, or stop."""
    at = start
    while at < stop and text[at] != wanted:
        at += 1
    return at


@inlined
def _is(text: Bytes, start: int, stop: int, word: Bytes) -> bool:
    """Tell whether just this word stands from start to stop."""
    if stop - start != len(word):
        return False
    same = True
    for place in range(len(word)):
        same &= text[start + place] == word[place]
    return same


@kernel(
    inputs(types.uint8),
    types.int64,
    inputs(types.uint8),
    output(types.int64),
    output(types.int64),
    output(types.int64),
    output(types.boolean),
    returns=types.Tuple((types.int64, types.int64, types.boolean)),  # type: ignore[no-untyped-call]
)
def walk(
    reply: Bytes,
    count: int,
    dislike: Bytes,
    times: NDArray[np.int64],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    disliked: NDArray[np.bool_],
) -> tuple[int, int, bool]:
    """Write time, place of the id, and whether it is a dislike, of each entry of the right form.

    Returns how many those are, where the reply ends (-1 where bytes are missing, -2 where it is
    no list of bulk strings), and whether they are in the order of time, latest first.
    """
    at, found, ordered = 0, 0, True
    for _ in range(count):
        line = _find(reply, _CR, at, min(len(reply), at + 32))
        if at < len(reply) and reply[at] != _BULK:
            return 0, _BROKEN, True
        if line + 1 >= len(reply):
            return 0, _WAIT, True
        size = _number(reply, at + 1, line)
        if size < 0 or reply[line + 1] != _LF:
            return 0, _BROKEN, True
        begin = line + 2
        stop = begin + size
        if stop + 2 > len(reply):
            return 0, _WAIT, True
        if reply[stop] != _CR or reply[stop + 1] != _LF:
            return 0, _BROKEN, True
        at = stop + 2
        first = _find(reply, _COLON, begin, stop)
        second = _find(reply, _COLON, first + 1, stop)
        time = _number(reply, begin, first)
        if time < 0 or second + 1 >= stop or _find(reply, 0, second + 1, stop) < stop:
            continue
        times[found] = time
        starts[found] = second + 1
        stops[found] = stop
        disliked[found] = _is(reply, first + 1, second, dislike)
        ordered &= found == 0 or time <= times[found - 1]
        found += 1
    return found, at, ordered


@kernel(inputs(types.uint8), inputs(types.int64), inputs(types.int64), output(types.uint8))
def copy_out(
    reply: Bytes, starts: NDArray[np.int64], stops: NDArray[np.int64], text: Bytes
) -> None:
    """Write the ids one behind the other, an END behind each."""
    to = 0
    for index in range(len(starts)):
        for at in range(starts[index], stops[index]):
            text[to] = reply[at]
            to += 1
        text[to] = 0
        to += 1
