"""The Redis wire protocol, as much of it as a feature store needs: RESP2, and RESP3's pushes.

redis-py builds a Python object per element and its asyncio client awaits twice for each; for
the one read that every request waits for, that costs more than the server does.
"""

from features.errors import CommandRefused

type Reply = int | bytes | CommandRefused | list[Reply] | None

# Deeper than any reply to a command of ours; the stack is no place to find that out.
DEEPEST_REPLY = 8
LONGEST_LINE = 4096
PUSH = ord(">")


def bulk(value: str | bytes | int) -> bytes:
    """Encode one argument as a bulk string."""
    raw = value if isinstance(value, bytes) else str(value).encode()
    return b"$%d\r\n%b\r\n" % (len(raw), raw)


def command(*arguments: str | bytes | int) -> bytes:
    """Encode one command."""
    return b"*%d\r\n" % len(arguments) + b"".join(map(bulk, arguments))


def parse(buffer: bytearray, start: int, stop: int, depth: int = 0) -> tuple[Reply, int] | None:
    """Parse the reply that begins at ``start``; bytes from ``stop`` on are not there yet.

    Returns:
        The reply and the offset behind it, or None while bytes are still missing. An error
        reply is a CommandRefused *value*: in a pipeline it belongs to one command only.

    Raises:
        ValueError: these bytes are not RESP; the connection cannot be trusted any further.
    """
    end = buffer.find(b"\r\n", start, stop)
    if end < 0:
        if stop - start > LONGEST_LINE:
            raise ValueError("a RESP line without an end")
        return None
    line, after = bytes(buffer[start + 1 : end]), end + 2
    match buffer[start : start + 1]:
        case b"$":
            return _parse_bulk(buffer, after, stop, int(line))
        case b"=":  # a text (RESP3): three letters say of which kind, and a colon
            text = _parse_bulk(buffer, after, stop, int(line))
            return None if text is None else (_without_kind(text[0]), text[1])
        case b"*":
            if int(line) < 0:
                return None, after
            return _parse_elements(buffer, after, stop, int(line), depth + 1)
        case b":":
            return int(line), after
        case b"+":
            return line, after
        case b"-":
            return CommandRefused(line.decode(errors="replace")), after
        case b"_":
            return None, after
        case b"%":  # a map: its keys and values, one after the other
            return _parse_elements(buffer, after, stop, 2 * int(line), depth + 1)
    raise ValueError(f"not RESP: {bytes(buffer[start : min(stop, start + 16)])!r}")


def is_push(buffer: bytearray, start: int) -> bool:
    """Tell whether a message that nobody asked for begins here (RESP3)."""
    return buffer[start] == PUSH


def parse_push(buffer: bytearray, start: int, stop: int) -> tuple[list[Reply], int] | None:
    """Parse the push that begins at ``start``; return and raise what `parse` does."""
    end = buffer.find(b"\r\n", start, stop)
    if end < 0:
        if stop - start > LONGEST_LINE:
            raise ValueError("a RESP line without an end")
        return None
    return _parse_elements(buffer, end + 2, stop, int(buffer[start + 1 : end]), 1)


class Replies:
    """Decodes the replies to ``count`` commands that were written together, as one list."""

    __slots__ = ("_count",)

    def __init__(self, count: int) -> None:
        self._count = count

    def __call__(
        self, buffer: bytearray, start: int, stop: int
    ) -> tuple[list[Reply] | CommandRefused, int] | None:
        """Return ``(replies, end)``, or None while bytes are missing (raises what `parse` does).

        Where one or more commands were refused, the first refusal stands for them all.
        """
        parsed = _parse_elements(buffer, start, stop, self._count, 0)
        if parsed is None:
            return None
        replies, end = parsed
        return next((one for one in replies if isinstance(one, CommandRefused)), replies), end


def _parse_bulk(buffer: bytearray, start: int, stop: int, size: int) -> tuple[Reply, int] | None:
    if size < 0:
        return None, start
    end = start + size
    if stop < end + 2:
        return None
    if buffer[end : end + 2] != b"\r\n":
        raise ValueError("a RESP bulk string of another length than announced")
    return bytes(buffer[start:end]), end + 2


def _without_kind(text: Reply) -> bytes:
    if not isinstance(text, bytes) or text[3:4] != b":":
        raise ValueError("a RESP verbatim string without its kind")
    return text[4:]


def _parse_elements(
    buffer: bytearray, position: int, stop: int, count: int, depth: int
) -> tuple[list[Reply], int] | None:
    if depth > DEEPEST_REPLY:
        raise ValueError("a RESP reply nested deeper than any command of ours can give")
    elements: list[Reply] = []
    for _ in range(count):
        parsed = parse(buffer, position, stop, depth)
        if parsed is None:
            return None
        element, position = parsed
        elements.append(element)
    return elements, position
