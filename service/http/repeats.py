"""Whether an object of a JSON text has a name twice, which decoders disagree about.

The one who checks a request (a gateway, an audit) may take the first, the one who serves it the
last: RFC 8259, 4; RFC 7493, 2.3 forbids it. msgspec takes the last and tells nobody.
"""

import json
from typing import Any, Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel

type Body = bytes | bytearray

# Up to so many colons it is cheaper to compare what is before each than to read all of the text.
FEW: Final = 16
_NONE: Final = -1
_ESCAPED: Final = -2
_QUOTE, _BACKSLASH, _COLON, _OPEN, _CLOSE = (np.uint8(ord(one)) for one in '"\\:{}')


def repeated_name(body: Body) -> str | None:
    """Return a name that stands twice in one object of ``body``, which is valid JSON; else None."""
    if b"\\" not in body and _few_and_all_differ(body):
        return None
    found = _repeated(np.frombuffer(body, np.uint8), body.count(b":"), body.count(b"{"))
    if found == _NONE:
        return None
    if found == _ESCAPED:
        return _repeated_of_escaped(body)
    return body[found : body.index(b'"', found)].decode()


def _few_and_all_differ(body: Body) -> bool:
    """Tell whether few may be names, and nothing that may be one is there twice.

    It is in whatever object. To count the colons first would take longer than all of this:
    `count` looks at one byte at a time, `find` at many.
    """
    names = set[bytes]()
    at = -1
    for _ in range(FEW + 1):
        at = body.find(b":", at + 1)
        if at < 0:
            return True
        before = at
        while body[before - 1] in b" \t\r\n":
            before -= 1
        if body[before - 1] == _QUOTE:  # else it is a colon of some text
            name = bytes(body[body.rfind(b'"', 0, before - 1) : before])
            if name in names:
                return False
            names.add(name)
    return False


@kernel(inputs(types.uint8), types.int64, types.int64, returns=types.int64)
def _repeated(text: NDArray[np.uint8], colons: int, objects: int) -> int:
    """Return where a name begins that its object had before; -1: none; -2: one is escaped."""
    size = 4
    while size < 2 * colons:
        size *= 2
    starts = np.full(size, -1, np.int64)
    ends, owners = np.empty(size, np.int64), np.empty(size, np.int64)
    stack = np.empty(objects + 1, np.int64)
    depth = made = at = 0
    while at < len(text):
        byte = text[at]
        at += 1
        if byte == _OPEN:
            made += 1
            depth += 1
            stack[depth] = made
        elif byte == _CLOSE:
            depth -= 1
        elif byte == _QUOTE:
            start, escaped = at, False
            hashed = np.uint32(2166136261)  # FNV-1a
            while text[at] != _QUOTE:
                if text[at] == _BACKSLASH:
                    escaped = True
                    at += 1
                hashed = np.uint32((hashed ^ text[at]) * np.uint32(16777619))
                at += 1
            end = at
            at += 1
            after = at
            while after < len(text) and text[after] <= 32:
                after += 1
            if after == len(text) or text[after] != _COLON:
                continue
            if escaped:
                return _ESCAPED
            owner = stack[depth]
            slot = (int(hashed) + owner * 40503) & (size - 1)
            while starts[slot] >= 0:
                if owners[slot] == owner and ends[slot] - starts[slot] == end - start:
                    same = 0
                    while same < end - start and text[starts[slot] + same] == text[start + same]:
                        same += 1
                    if same == end - start:
                        return start
                slot = (slot + 1) & (size - 1)
            starts[slot], ends[slot], owners[slot] = start, end, owner
    return _NONE


def _repeated_of_escaped(body: Body) -> str | None:
    """Return the same, slowly: two ways to write a name are one name."""
    found: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        names = set[str]()
        for name, _ in pairs:
            if name in names:
                found.append(name)
            names.add(name)

    json.loads(body, object_pairs_hook=note, parse_int=str, parse_float=str)
    return found[0] if found else None
