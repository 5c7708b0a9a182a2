"""What the flight recorder keeps, as it is read: decoded here, and not when it was recorded."""

from collections.abc import Sequence
from typing import Any

import msgspec

from service.http.requests_wire import Flight, FlightAnswer, Side, Span
from service.http.wire import BatchAnswer, Degradation, SlateAnswer
from service.observe.flight import Flown
from service.observe.spans import NS_PER_MS, Trace


def summary(flown: Flown) -> Flight:
    """Return a request in short."""
    body, slates = body_of(flown), slates_of(flown)
    first = slates[0] if slates else None
    link = flown.trace.link
    user = body.get("user_id") if isinstance(body, dict) else None
    return Flight(
        request_id=flown.request_id,
        at_ms=int(flown.trace.arrived_s * 1e3),
        route=flown.route,
        status=flown.status,
        total_ms=_ms(flown.total_ns),
        user_id=user if isinstance(user, str) else None,
        surface=first.surface if first else None,
        variant=first.variant if first else None,
        model_version=first.model_version if first else None,
        items=sum(len(slate.items) for slate in slates),
        degraded=[Degradation(stage, reason) for stage, reason in list(flown.trace.degraded)],
        trace_id=link.trace_id if link is not None and link.exported else None,
    )


def detail(flown: Flown) -> FlightAnswer:
    """Return a request in full."""
    near, missed = flown.trace.near
    return FlightAnswer(
        request=summary(flown),
        body=body_of(flown),
        stages=spans(flown.trace),
        near=near,
        missed=missed,
        threads=flown.trace.threads,
        slates=list(slates_of(flown)),
    )


def side(slate: SlateAnswer | None, trace: Trace, total_ns: int) -> Side:
    """Return one run of a request, to be compared with another."""
    version = slate.model_version if slate else None
    return Side(version, _ms(total_ns), spans(trace), slate)


def body_of(flown: Flown) -> Any:
    """Return the body as it came; None where it is not kept, or was no JSON."""
    if flown.body is None:
        return None
    try:
        return msgspec.json.decode(flown.body)
    except msgspec.DecodeError, UnicodeDecodeError, RecursionError:
        return None


def slates_of(flown: Flown) -> Sequence[SlateAnswer]:
    """Return the slates that are kept."""
    match flown.answer:
        case SlateAnswer():
            return [flown.answer]
        case BatchAnswer(slates=slates):
            return slates
    return []


def spans(trace: Trace) -> list[Span]:
    """Return the waterfall of a trace."""
    return [
        Span(name, _ms(start - trace.started_ns), _ms(stop - start))
        for name, start, stop in list(trace.spans)
    ]


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / NS_PER_MS, 4)
