"""Feast's values: one protobuf message each (feast/types/Value.proto), read by hand.

The protobuf library would switch the GIL back on, and make an object of each message.
"""

from collections.abc import Iterator
from struct import unpack
from typing import Final

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types (protobuf's "Encoding" page)."""

TEXTS: Final = {2, 36, 37, 44}  # string, uuid, time_uuid, decimal
TEXT_LISTS: Final = {12, 23, 38, 39, 40, 41, 45, 46}
WHOLES: Final = {3, 4, 8}  # int32, int64, unix_timestamp
WHOLE_LISTS: Final = {13, 14, 18, 24, 25, 29}
BOOL, BOOL_LISTS = 7, {17, 28}
DOUBLE, DOUBLE_LISTS = 5, {15, 26}
FLOAT, FLOAT_LISTS = 6, {16, 27}
NULL: Final = 19

type Value = float | bool | str | list[float] | list[str]


class NotReadable(ValueError):
    """These bytes are no value of Feast's, or of a type that no feature has: a map, bytes, JSON."""


def read_value(message: bytes) -> Value | None:
    """Return what one `Value` message holds; None where it holds null, or nothing.

    Raises:
        NotReadable: it is none, or is of a type that no number or label can be made of.
    """
    found: Value | None = None
    for number, wire, content in _fields(message):
        found = _value(number, wire, content)
    return found


def _value(number: int, wire: int, content: int | bytes) -> Value | None:
    match content:
        case int() if wire == VARINT and number in WHOLES:
            return _signed(content)
        case int() if wire == VARINT and number == BOOL:
            return bool(content)
        case int() if wire == VARINT and number == NULL:
            return None
        case bytes() if wire == FIXED32 and number == FLOAT:
            return float(unpack("<f", content)[0])
        case bytes() if wire == FIXED64 and number == DOUBLE:
            return float(unpack("<d", content)[0])
        case bytes() if wire == BYTES and number in TEXTS:
            return _text(content)
        case bytes() if wire == BYTES and number in TEXT_LISTS:
            return [_text(one) for _, _, one in _fields(content) if isinstance(one, bytes)]
        case bytes() if wire == BYTES and number in FLOAT_LISTS:
            return _packed(content, "f", 4)
        case bytes() if wire == BYTES and number in DOUBLE_LISTS:
            return _packed(content, "d", 8)
        case bytes() if wire == BYTES and number in WHOLE_LISTS | BOOL_LISTS:
            return [float(_signed(one)) for one in _varints(content)]
    raise NotReadable(f"field {number} of wire type {wire} is no number, truth value or text")


def _packed(content: bytes, form: str, size: int) -> list[float]:
    """Return the numbers of a list, whether packed or one by one (a parser must take both)."""
    found: list[float] = []
    for _, _, part in _fields(content):
        if not isinstance(part, bytes) or len(part) % size:
            raise NotReadable("a list whose numbers are cut off")
        found += unpack(f"<{len(part) // size}{form}", part)
    return found


def _varints(content: bytes) -> Iterator[int]:
    for _, _, part in _fields(content):
        if isinstance(part, int):
            yield part
            continue
        at = 0
        while at < len(part):
            number, at = _varint(part, at)
            yield number


def _fields(message: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yield each field's number, wire type, and content."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = _varint(message, at)
            yield number, wire, value
            continue
        match wire:
            case 1:
                size = 8
            case 2:
                size, at = _varint(message, at)
            case 5:
                size = 4
            case _:
                raise NotReadable(f"there is no wire type {wire}")
        if at + size > len(message):
            raise NotReadable("a field that is cut off")
        yield number, wire, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value & (1 << 64) - 1, at
    raise NotReadable("a number that is cut off")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as fault:
        raise NotReadable("a text that is no UTF-8") from fault
