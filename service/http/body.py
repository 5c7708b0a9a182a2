"""From the socket to a typed request, refusing what cannot be one."""

import re

import msgspec

from service.http.asgi import Receive
from service.http.limits import DISCARDED
from service.http.problems import BadJson, BodyInvalid, BodyTooLarge
from service.http.repeats import repeated_name

_PATH = re.compile(r" - at `(\$[^`]*)`$")
_UNKNOWN_FIELD = re.compile(r"unknown field `(.*)`", re.DOTALL)
_BYTE = re.compile(r"\(byte (\d+)\)")
_LAST_KEY = re.compile(rb'"(\w{1,64})"\s*:[^"]*$')

# A client's own words come back to it, but not a megabyte of them.
LONGEST_ECHO = 200


async def read(receive: Receive, largest_bytes: int) -> bytes | None:
    """Return the whole body, or None where the client left in the middle of it.

    Raises:
        BodyTooLarge: it is longer than ``largest_bytes``; what came of it is thrown away.
    """
    chunks: list[bytes] = []
    size, more = 0, True
    while more and size <= DISCARDED * largest_bytes:
        message = await receive()
        if message["type"] != "http.request":
            return None
        size, more = size + len(message["body"]), message["more_body"]
        if size <= largest_bytes:
            chunks.append(message["body"])
    if size > largest_bytes:
        raise _too_large(largest_bytes)
    return b"".join(chunks)


class BodyDecoder[T]:
    """Decodes one type; made once per event loop.

    Litestar would decode to builtins first: nesting a thousand deep is then a 500, and a 9 MB
    list blocks the loop for 130 ms. The typed decoder refuses both on the way.
    """

    __slots__ = ("_decode", "_largest_bytes")

    def __init__(self, target: type[T], largest_bytes: int) -> None:
        self._decode = msgspec.json.Decoder(target).decode
        self._largest_bytes = largest_bytes

    def __call__(self, body: bytes | bytearray) -> T:
        """Decode.

        Raises:
            BodyTooLarge, BadJson, BodyInvalid: with the place and the remedy.
        """
        if len(body) > self._largest_bytes:
            raise _too_large(self._largest_bytes)
        if not body:
            raise BadJson("the body is empty; send a JSON object", "$")
        try:
            wanted = self._decode(body)
            name = repeated_name(body)
        except msgspec.ValidationError as fault:
            raise _invalid(str(fault)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise BadJson(f"{fault}; send one JSON object in UTF-8", _near(fault, body)) from None
        except RecursionError:
            raise BadJson("nested too deep; the contract nests three levels", "$") from None
        if name is not None:
            raise BodyInvalid(
                _shortened(f"an object has the name {name!r} twice; send it once"), "$"
            )
        return wanted


def _too_large(largest_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"more than the {largest_bytes} bytes that are read; send less", "$")


def _invalid(message: str) -> BodyInvalid:
    """Set msgspec's JSON path apart from its message."""
    found = _PATH.search(message)
    path = found[1] if found else "$"
    words = message[: found.start()] if found else message
    unknown = _UNKNOWN_FIELD.search(words)
    if unknown:
        path = f"{path}.{unknown[1]}"
    return BodyInvalid(_shortened(words), _shortened(path))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_ECHO else f"{text[: LONGEST_ECHO - 1]}…"


def _near(fault: Exception, body: bytes | bytearray) -> str:
    """Return the path of the field whose value is no JSON (NaN, say), as far as known.

    Below the top level it is ``$..name``: the name is known there, the way to it is not.
    """
    byte = _BYTE.search(str(fault))
    before = body[: int(byte[1])] if byte else b""
    key = _LAST_KEY.search(before)
    if key is None:
        return "$"
    opened = before.count(b"{") + before.count(b"[") - before.count(b"}") - before.count(b"]")
    return f"{'$.' if opened == 1 else '$..'}{key[1].decode()}"
