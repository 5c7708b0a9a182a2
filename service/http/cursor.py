"""Cursors: what the next page must know of the pages before it, as a token that clients keep.

A token is URL-safe base64 of one byte, the version, and of MessagePack: the seed and the ids shown
so far, deflated where that is shorter. Ids outlive a change of the model and of the catalogue. It
is not signed: all that a forged one can do is to hide items from whoever forged it.
"""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from service.http.problems import CursorInvalid
from service.http.wire import LONGEST_CURSOR, Id

MOST_SHOWN: Final = 2000
"""Items on all pages together."""

_PLAIN, _DEFLATED = b"\x01", b"\x02"
_WORTH_DEFLATING: Final = 1024  # deflating takes 50 us, whatever is saved
_LARGEST: Final = 256 * 1024  # of what a token may inflate to: 2000 of the longest ids


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The seed of the first page's draws, and the items of all pages so far, best first."""

    seed: Annotated[int, Meta(ge=0, lt=2**53)]
    shown: Annotated[tuple[Id, ...], Meta(max_length=MOST_SHOWN)]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Cursor).decode


def write(seed: int, shown: tuple[str, ...]) -> str | None:
    """Return the token for the page after these items; None where they are too many for one."""
    if len(shown) > MOST_SHOWN:
        return None
    body = _encode(Cursor(seed, shown))
    token = _PLAIN + body
    if len(body) > _WORTH_DEFLATING:
        token = min(token, _DEFLATED + zlib.compress(body, 1), key=len)
    text = urlsafe_b64encode(token).rstrip(b"=").decode()
    return text if len(text) <= LONGEST_CURSOR else None


def read(token: str, path: str = "$.after") -> Cursor:
    """Return what a token says.

    Raises:
        CursorInvalid: it is none of ours; the problem names ``path``.
    """
    try:
        packed = token.encode("ascii")
        raw = urlsafe_b64decode(packed + b"=" * (-len(packed) % 4))
        if urlsafe_b64encode(raw).rstrip(b"=") != packed:
            raise ValueError("it has characters that no token has")
        return _decode(_unpacked(raw))
    except (ValueError, zlib.error, msgspec.MsgspecError, RecursionError) as fault:
        reason = "send `next` of the page before as it came, or begin at the first page"
        raise CursorInvalid(f"this is no cursor; {reason}", path) from fault


def _unpacked(raw: bytes) -> bytes:
    version, body = raw[:1], raw[1:]
    if version == _PLAIN:
        return body
    if version != _DEFLATED:
        raise ValueError("another version")
    inflating = zlib.decompressobj()
    found = inflating.decompress(body, _LARGEST)
    if not inflating.eof or inflating.unused_data:
        raise ValueError("cut off, too large, or followed by something else")
    return found
