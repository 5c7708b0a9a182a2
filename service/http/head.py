"""Whether a request's head can mean only one thing: what the parser lets through and we do not.

llhttp refuses most of what smuggling is made of by itself: two lengths, a length beside chunks,
signs, bare line feeds, folded lines, spaces before colons, NUL. What is left is here (RFC 9112).
"""

import re
from typing import Final

from service.door import Headers
from service.http.limits import LARGEST_HEAD_BYTES, LONGEST_TARGET_BYTES, MOST_HEADERS
from service.http.problems import (
    BodyEncoded,
    BodyTooLarge,
    ExpectationFailed,
    HeadTooLarge,
    NotHttp,
    TargetTooLong,
    VersionNotServed,
)

_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d{0,5})?")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#@]+)/[^#]*", re.IGNORECASE)
_AROUND: Final = b" \t"  # the parser leaves it behind a value

RARE: Final = frozenset((b"transfer-encoding", b"content-encoding", b"expect", b"upgrade"))
"""Names of headers that a plain request has not."""


def is_host(value: bytes) -> bool:
    """Tell whether a value of `Host` is one (RFC 9110, 7.2)."""
    return _HOST.fullmatch(value) is not None


def check_head(
    method: bytes, target: bytes, version: str, headers: Headers, largest_body_bytes: int
) -> None:
    """Return if a request may be served, as far as its head tells.

    Raises:
        ProblemError: with the status and the reason; nothing behind it on the connection may be
            read as another request.
    """
    if version not in ("1.1", "1.0"):
        raise VersionNotServed(f"HTTP/{version} is not served; send HTTP/1.1")
    check_size(target, headers)
    hosts = [value.strip(_AROUND) for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == "1.1") or not all(map(is_host, hosts)):
        raise NotHttp("one Host header is needed, with a name and perhaps a port")
    _check_target(method, target, hosts[0] if hosts else None)
    for name, value in headers:
        if name in RARE or name == b"content-length":
            _check_rare(name, value.strip(_AROUND).lower(), version, largest_body_bytes)
    if sum(name == b"transfer-encoding" for name, _ in headers) > 1:
        raise NotHttp("more than one Transfer-Encoding header")


def check_size(target: bytes, headers: Headers) -> None:
    """Return if a head is not too large; raises what `check_head` does."""
    if len(target) > LONGEST_TARGET_BYTES:
        raise TargetTooLong(f"longer than {LONGEST_TARGET_BYTES} bytes")
    if len(headers) > MOST_HEADERS:
        raise HeadTooLarge(f"more than {MOST_HEADERS} headers; send fewer")
    if sum(len(name) + len(value) for name, value in headers) > LARGEST_HEAD_BYTES:
        raise HeadTooLarge(f"more than {LARGEST_HEAD_BYTES} bytes of headers; send less")


def _check_target(method: bytes, target: bytes, host: bytes | None) -> None:
    """Take a path, `*` of OPTIONS, and what proxies are sent if it names the host as Host does."""
    if method == b"CONNECT":
        raise NotHttp("this is no proxy: there is nothing to CONNECT to")
    if b"#" in target:
        raise NotHttp("a request's target has no fragment")
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise NotHttp("the request's target must be a path")
    if host is None or absolute[1].lower() != host.lower():
        raise NotHttp("the request's target and Host name different hosts")


def _check_rare(name: bytes, value: bytes, version: str, largest_body_bytes: int) -> None:
    match name:
        case b"transfer-encoding" if value != b"chunked" or version != "1.1":
            raise NotHttp("the only Transfer-Encoding is chunked, of HTTP/1.1")
        case b"content-length" if int(value) > largest_body_bytes:
            detail = f"more than the {largest_body_bytes} bytes that are read; send less"
            raise BodyTooLarge(detail, "$")
        case b"content-encoding" if value != b"identity":
            raise BodyEncoded("send the body as it is, not compressed")
        case b"expect" if value != b"100-continue":
            raise ExpectationFailed("100-continue is all that can be expected")
