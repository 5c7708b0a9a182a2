"""The JSON vocabulary: what comes in and what goes out, as typed msgspec structs.

Decoding is validation: a wrong type, an unknown field or a number out of range never gets
further than here, and the error names the JSON path.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from features.events import LARGEST_WEIGHT, EventType
from service.http.debug_wire import Debug

MOST_SESSION_ITEMS = 200
MOST_EXCLUDED = 1000
MOST_CANDIDATES = 5000
MOST_EVENTS = 1000
MOST_QUERIES = 100
MOST_PINS = 50
MOST_BOOSTS = 50
LARGEST_LIMIT = 200
LONGEST_CURSOR = 8192
MOST_WHY_NOT = 20

type Id = Annotated[str, Meta(min_length=1, max_length=128, description="An id of yours.")]
type Limit = Annotated[int, Meta(ge=1, le=LARGEST_LIMIT, description="Items wanted.")]
type Diversity = Annotated[
    float,
    Meta(ge=0.0, le=1.0, description="0: by score alone; towards 1: unlike each other (MMR)."),
]
type DeadlineMs = Annotated[
    float, Meta(gt=0.0, le=10_000.0, description="Milliseconds the whole answer may take.")
]
type Session = Annotated[
    tuple[Id, ...],
    Meta(max_length=MOST_SESSION_ITEMS, description="Items of this visit, latest first."),
]
type Excluded = Annotated[
    tuple[Id, ...], Meta(max_length=MOST_EXCLUDED, description="Items not to show.")
]
type Filter = Annotated[
    str, Meta(max_length=2000, description="Which items may be shown: see docs/filters.md.")
]


type SurfaceName = Annotated[
    str, Meta(min_length=1, max_length=64, description="Where it is shown: see docs/surfaces.md.")
]
type Pins = Annotated[
    dict[Annotated[str, Meta(pattern="^(0|[1-9][0-9]{0,2})$")], Id],
    Meta(max_length=MOST_PINS, description="Items by their place, from 0."),
]
type Boosts = Annotated[
    dict[Annotated[str, Meta(max_length=256)], Annotated[float, Meta(gt=0.0, le=100.0)]],
    Meta(max_length=MOST_BOOSTS, description="Factors by `column:label`; above 1 is upwards."),
]
type Seed = Annotated[int, Meta(ge=0, lt=2**53, description="Decides every draw.")]
type After = Annotated[
    str, Meta(max_length=LONGEST_CURSOR, description="`next` of the page before this one.")
]
type DebugWanted = Annotated[bool, Meta(description="Tell how it came about: docs/explain.md.")]
type WhyNot = Annotated[
    tuple[Id, ...],
    Meta(max_length=MOST_WHY_NOT, description="With `debug`: what became of these items."),
]


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every kind of request may say; what it leaves out, its surface decides."""

    surface: SurfaceName
    exclude: Excluded = ()
    filter: Filter | None = None
    limit: Limit | None = None
    diversity: Diversity | None = None
    pin: Pins = {}
    boost: Boosts = {}
    seed: Seed | None = None


class SlateQuery(Wish, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A slate for a user, an anonymous session, or seed items; one of the three is needed."""

    user_id: Id | None = None
    session: Session = ()
    seed_items: Session = ()
    surface: SurfaceName = "home"
    after: After | None = None

    def __post_init__(self) -> None:
        if self.user_id is None and not self.session and not self.seed_items:
            raise ValueError("one of `user_id`, `session`, `seed_items` is needed")


class RecommendationRequest(SlateQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A slate for a user, an anonymous session, or seed items; one of the three is needed."""

    deadline_ms: DeadlineMs | None = None
    debug: DebugWanted = False
    why_not: WhyNot = ()


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Many slates at once: two round trips to the store for all of them, shared by all cores."""

    queries: Annotated[tuple[SlateQuery, ...], Meta(min_length=1, max_length=MOST_QUERIES)]
    deadline_ms: DeadlineMs = 1000.0


class RankRequest(Wish, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The caller's own candidates, to be scored and re-ranked for a user or a session."""

    candidates: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MOST_CANDIDATES)]
    user_id: Id | None = None
    session: Session = ()
    surface: SurfaceName = "search"
    deadline_ms: DeadlineMs | None = None
    debug: DebugWanted = False
    why_not: WhyNot = ()


class SimilarRequest(Wish, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Items like these."""

    seed_items: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MOST_SESSION_ITEMS)]
    surface: SurfaceName = "item"
    after: After | None = None
    deadline_ms: DeadlineMs | None = None
    debug: DebugWanted = False
    why_not: WhyNot = ()


class EventRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing a user did with an item; ``timestamp_ms`` is the time of arrival if left out.

    ``request_id`` is that of the answer which showed the item. A rating has a `value`; a custom
    event may have a `weight` and a `name`.
    """

    user_id: Id
    item_id: Id
    type: EventType = "click"
    timestamp_ms: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    event_id: Id | None = None
    request_id: Id | None = None
    value: float | None = None
    weight: Annotated[float, Meta(ge=0, le=LARGEST_WEIGHT)] | None = None
    name: Id | None = None


class EventsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What users did; the next request sees it. With an `event_id` a repeat counts once."""

    events: Annotated[tuple[EventRecord, ...], Meta(min_length=1, max_length=MOST_EVENTS)]


class EventsAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sent once the store has every event; ``stored`` leaves out repeats.

    ``late`` came too late to be counted, and stand in the history all the same; ``ahead`` had
    timestamps of the future, for which their arrival stands in.
    """

    request_id: str
    received: int
    stored: int
    late: int = 0
    ahead: int = 0


class RankedItem(msgspec.Struct, frozen=True):
    """One place of the slate."""

    item_id: str
    score: float
    source: str
    reason: str
    properties: msgspec.Raw


class Degradation(msgspec.Struct, frozen=True):
    """A stage that answered by its fallback, and why."""

    stage: str
    reason: str


class Coverage(msgspec.Struct, frozen=True):
    """Shares from 0 to 1: candidates with a stored feature row; asked-for items scored."""

    features: float
    scored: float


class SlateAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The slate, best first; ``next`` is what `after` of the next page takes.

    ``relaxed`` names the rules of re-ranking that could not be kept; ``debug`` is there where it
    was asked for.
    """

    request_id: str
    model_version: str
    surface: str
    variant: str
    items: list[RankedItem]
    degraded: list[Degradation]
    coverage: Coverage
    next: str | None = None
    relaxed: tuple[str, ...] = ()
    debug: Debug | None = None


class BatchAnswer(msgspec.Struct, frozen=True):
    """One slate per query, in their order; each has a request id of its own, for its events."""

    request_id: str
    slates: list[SlateAnswer]


class ActivateRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version that every replica is to serve."""

    version: Id


class RollbackRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: which version was before is known."""


class ChangeAnswer(msgspec.Struct, frozen=True):
    """Sent once this replica serves ``active``; the others follow. ``previous``: the way back."""

    request_id: str
    active: str
    previous: str | None


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error, as RFC 9457 has it; ``path`` is the JSON path of the offending value."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    path: str | None = None


class Readiness(msgspec.Struct, frozen=True):
    """Whether traffic should come here, and what is missing if not."""

    ready: bool
    store: bool
    model_version: str
    draining: bool
