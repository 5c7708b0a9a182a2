"""Spans as OTLP/JSON has them: protobuf's JSON mapping, but ids in hexadecimal digits.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding; opentelemetry-proto's
trace.proto has the fields. Why not by the SDK: docs/decisions/0029.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

INTERNAL: Final = 1
SERVER: Final = 2
CLIENT: Final = 3
ERROR: Final = 2

SAMPLED: Final = 0x001
HAS_REMOTE: Final = 0x100
REMOTE: Final = 0x200
"""A span's flags: the W3C bit; that it is known where its parent is; that this is elsewhere."""

type Value = str | bool | int | float | Sequence[str]


class _Wire(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", gc=False):
    pass


class Status(_Wire, frozen=True):
    """How a span ended; ``code`` 2 is an error."""

    code: int = 0


class Attribute(_Wire, frozen=True):
    """A name and one of protobuf's ways to hold a value."""

    key: str
    value: dict[str, object]


class Span(_Wire, frozen=True):
    """One span; nanoseconds since the epoch, in decimal digits."""

    trace_id: str
    span_id: str
    name: str
    kind: int
    start_time_unix_nano: str
    end_time_unix_nano: str
    attributes: list[Attribute]
    parent_span_id: str = ""
    trace_state: str = ""
    flags: int = 0
    status: Status = Status()


_encoder = msgspec.json.Encoder()


def attributes(values: Mapping[str, Value | None]) -> list[Attribute]:
    """Return attributes, without those that are None."""
    return [Attribute(name, _value(one)) for name, one in values.items() if one is not None]


def message(spans: Sequence[Span], resource: Sequence[Attribute], version: str) -> bytes:
    """Encode an ExportTraceServiceRequest: spans of one service and one scope, ours."""
    scope = {"name": "braid", "version": version}
    told = {
        "resource": {"attributes": resource},
        "scopeSpans": [{"scope": scope, "spans": spans}],
    }
    return _encoder.encode({"resourceSpans": [told]})


def _value(value: Value) -> dict[str, object]:
    match value:
        case str():
            return {"stringValue": value}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
    return {"arrayValue": {"values": [{"stringValue": one} for one in value]}}
