"""RESP as a server writes it, for tests of what reads it."""

from collections.abc import Sequence

from features.resp import Reply


def bulk_reply(value: bytes | None) -> bytes:
    return b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)


def array_reply(values: Sequence[bytes | None]) -> bytes:
    return b"*%d\r\n" % len(values) + b"".join(map(bulk_reply, values))


def plain(reply: Reply) -> object:
    """Return a reply as something that compares by value; a refusal is its whole text."""
    match reply:
        case list():
            return [plain(element) for element in reply]
        case Exception():
            return ("refused", str(reply))
    return reply
