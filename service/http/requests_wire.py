"""What the flight recorder and replays say and take, as typed msgspec structs."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from service.http.wire import Degradation, Id, SlateAnswer

type FlownId = Annotated[
    str, Meta(min_length=1, max_length=64, description="Of a batch: with `.0`, `.1` ... behind it.")
]


class Flight(msgspec.Struct, frozen=True):
    """One request in short; ``at_ms`` is when it arrived, Unix milliseconds.

    ``trace_id`` is null where its spans are not exported.
    """

    request_id: str
    at_ms: int
    route: str
    status: int
    total_ms: float
    user_id: str | None
    surface: str | None
    variant: str | None
    model_version: str | None
    items: int
    degraded: list[Degradation]
    trace_id: str | None = None


class FlightsAnswer(msgspec.Struct, frozen=True):
    """Requests that this replica answered, the latest or the slowest first."""

    requests: list[Flight]


class Span(msgspec.Struct, frozen=True):
    """A stage of a waterfall, counted from the request's arrival."""

    stage: str
    start_ms: float
    ms: float


class FlightAnswer(msgspec.Struct, frozen=True):
    """One request in full: its body as it came (null if it was too large), spans, and slates."""

    request: Flight
    body: Any
    stages: list[Span]
    near: int
    missed: int
    threads: int
    slates: list[SlateAnswer]


class ReplayRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to run again: as it was, or by another model, other settings, another body.

    ``surface`` is laid over the surface's settings table by table, ``body`` over the request's
    fields; null takes a setting or a field out.
    """

    request_id: FlownId
    model_version: Id | None = None
    surface: dict[str, Any] = {}
    body: dict[str, Any] = {}


class Side(msgspec.Struct, frozen=True):
    """One of the two runs; ``slate`` is null where it was not kept, or there was none."""

    model_version: str | None
    total_ms: float
    stages: list[Span]
    slate: SlateAnswer | None


class Move(msgspec.Struct, frozen=True):
    """An item that both slates have, at another place; from 1."""

    item_id: str
    before: int
    after: int


class Overlap(msgspec.Struct, frozen=True):
    """How alike slates are: Jaccard of the sets, rank-biased overlap (p = 0.9), and what moved."""

    same: bool
    jaccard: float
    rank_biased: float
    entered: list[str]
    left: list[str]
    moved: list[Move]


class ReplayAnswer(msgspec.Struct, frozen=True):
    """The recorded run beside the new one.

    ``as_recorded`` names what the new run took from the record, ``as_of_now`` what it could not:
    the world has moved on.
    """

    request_id: str
    recorded: Side
    replayed: Side
    overlap: Overlap | None
    as_recorded: list[str]
    as_of_now: list[str]
