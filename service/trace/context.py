"""W3C Trace Context: where a request stands in its caller's trace.

https://www.w3.org/TR/trace-context-2/, sections 3.2 (traceparent) and 3.3 (tracestate).
"""

import os
import re
from typing import Final

from service.door import Headers
from service.observe.link import Link
from service.trace.sampler import Sampler

LARGEST_STATE: Final = 512
MOST_MEMBERS: Final = 32

_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KEY = r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
_MEMBER = re.compile(rf"{_KEY}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{{1,256}}")
_SAMPLED = 1


def link_of(headers: Headers, request_id: str, sampler: Sampler) -> Link:
    """Return the request's place: below its caller's span, or at the top of a trace of its own.

    A trace that begins here has the request's id for its own. What the caller says is left out of
    account where it is not what the standard allows, or said twice.
    """
    found = [value for name, value in headers if name == b"traceparent"]
    parent = _PARENT.fullmatch(found[0]) if len(found) == 1 else None
    if parent is not None and _is_good(*parent.group(1, 2, 3, 5)):
        trace_id, parent_id = parent[2].decode(), parent[3].decode()
        sampled = sampler.follows(trace_id, bool(int(parent[4], 16) & _SAMPLED))
        return Link(trace_id, new_span_id(), parent_id, sampled, _state(headers))
    sampled = sampler.begins(request_id)
    return Link(request_id, new_span_id() if sampled else "", None, sampled)


def new_span_id() -> str:
    """Return 16 hexadecimal digits of chance."""
    return os.urandom(8).hex()


def _is_good(version: bytes, trace_id: bytes, parent_id: bytes, more: bytes | None) -> bool:
    """Tell whether ids are none of zeros, and whether this version may have more behind them."""
    known = version != b"ff" and (version != b"00" or more is None)
    return known and trace_id.strip(b"0") != b"" and parent_id.strip(b"0") != b""


def _state(headers: Headers) -> str:
    """Return the caller's `tracestate`, its lines joined; empty where any of it is malformed."""
    lines = [value.decode("latin-1") for name, value in headers if name == b"tracestate"]
    members = [member.strip(" \t") for line in lines for member in line.split(",")]
    members = [member for member in members if member]
    state = ",".join(members)
    if len(state) > LARGEST_STATE or len(members) > MOST_MEMBERS:
        return ""
    return state if all(map(_MEMBER.fullmatch, members)) else ""
