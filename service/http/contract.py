"""The routes as data: what each takes and gives. The router and the OpenAPI document read it."""

from dataclasses import dataclass
from typing import Any, Literal

from service.access.scope import Scope
from service.admission.priority import Priority
from service.http import catalogue_wire, requests_wire, wire
from service.http.problems import (
    ChangeUnderWay,
    EventsNotStored,
    FilterInvalid,
    ModelRefused,
    NoSuchRequest,
    NoSuchVersion,
    NotReplayable,
    NotStored,
    NoWayBack,
    PointerNotWritten,
    ProblemError,
    UnknownItems,
    UnknownSurface,
)


@dataclass(frozen=True, slots=True)
class Operation[T]:
    """One route with a body; ``example`` is a body that a running demo answers.

    ``scope`` is what a key must have for it, ``priority`` what it gives way to when not all can
    be served.
    """

    path: str
    summary: str
    request: type[T]
    answer: type[Any]
    example: dict[str, Any]
    problems: tuple[type[ProblemError], ...] = ()
    method: Literal["POST", "PUT", "DELETE"] = "POST"
    scope: Scope = "read"
    priority: Priority = Priority.LIVE


RECOMMENDATIONS = Operation(
    "/v1/recommendations",
    "A slate for a user, an anonymous session, or seed items",
    wire.RecommendationRequest,
    wire.SlateAnswer,
    {"user_id": "196", "limit": 10, "filter": "genre in ('Comedy', 'Drama') and year >= 1990"},
    (FilterInvalid, UnknownSurface),
)
BATCH = Operation(
    "/v1/recommendations/batch",
    "Up to 100 slates at once",
    wire.BatchRequest,
    wire.BatchAnswer,
    {"queries": [{"user_id": "196", "limit": 3}, {"seed_items": ["50"], "limit": 3}]},
    (FilterInvalid, UnknownSurface),
    priority=Priority.BULK,
)
RANK = Operation(
    "/v1/rank",
    "Your own candidates, scored and re-ranked",
    wire.RankRequest,
    wire.SlateAnswer,
    {"user_id": "196", "candidates": ["1", "50", "100", "181"], "limit": 3},
    (FilterInvalid, UnknownSurface),
)
SIMILAR = Operation(
    "/v1/similar",
    "Items like these",
    wire.SimilarRequest,
    wire.SlateAnswer,
    {"seed_items": ["50"], "limit": 5},
    (FilterInvalid, UnknownItems, UnknownSurface),
)
EVENTS = Operation(
    "/v1/events",
    "What users did; the next request sees it",
    wire.EventsRequest,
    wire.EventsAnswer,
    {"events": [{"user_id": "visitor-1", "item_id": "50", "type": "click", "event_id": "e-1"}]},
    (EventsNotStored,),
    scope="write",
)

ACTIVATE = Operation(
    "/v1/models/activate",
    "Verify and try a version, then have every replica serve it",
    wire.ActivateRequest,
    wire.ChangeAnswer,
    {"version": "2026-11-22-1"},
    (NoSuchVersion, ChangeUnderWay, ModelRefused, PointerNotWritten),
    scope="admin",
)
ROLLBACK = Operation(
    "/v1/models/rollback",
    "Have every replica serve the version before",
    wire.RollbackRequest,
    wire.ChangeAnswer,
    {},
    (NoWayBack, ChangeUnderWay, ModelRefused, PointerNotWritten),
    scope="admin",
)

REPLAY = Operation(
    "/v1/replay",
    "Run a recorded request again, by another model or other settings",
    requests_wire.ReplayRequest,
    requests_wire.ReplayAnswer,
    {
        "request_id": "019dab6cf0a1c2b9a1d3e5f708192a3b",
        "surface": {"rerank": {"diversity": 0.0}},
        "body": {"limit": 5},
    },
    (NoSuchRequest, NotReplayable, NoSuchVersion, ModelRefused),
    scope="admin",
    priority=Priority.BULK,
)

ADMIN = (ACTIVATE, ROLLBACK, REPLAY)
"""What an operator does."""

PUT_ITEMS = Operation(
    "/v1/items",
    "New and changed items; every replica recommends them within a second",
    catalogue_wire.ItemsPutRequest,
    catalogue_wire.ItemsPutAnswer,
    {
        "items": [
            {
                "item_id": "new-1",
                "properties": {"title": "A New Hope, Again (1998)", "genre": ["Sci-Fi"]},
                "features": {"year": 1998, "genre": ["Action", "Sci-Fi"]},
            }
        ]
    },
    (NotStored,),
    "PUT",
    scope="write",
)
RETIRE_ITEMS = Operation(
    "/v1/items",
    "Items that must not be shown any more",
    catalogue_wire.ItemsRetireRequest,
    catalogue_wire.ItemsRetireAnswer,
    {"item_ids": ["new-1"]},
    (NotStored,),
    "DELETE",
    scope="write",
)
PUT_USERS = Operation(
    "/v1/users",
    "Users' features; the next request sees them",
    catalogue_wire.UsersPutRequest,
    catalogue_wire.UsersPutAnswer,
    {"users": [{"user_id": "visitor-1", "features": {"age": 34}}]},
    (NotStored,),
    "PUT",
    scope="write",
)

CATALOGUE = (PUT_ITEMS, RETIRE_ITEMS, PUT_USERS)
"""What a shop tells of its items and users."""

OPERATIONS = (RECOMMENDATIONS, BATCH, RANK, SIMILAR, EVENTS)
