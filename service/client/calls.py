"""Every route of the contract as a method that makes the call; how it is sent is the subclass's."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from service.client.call import Call
from service.client.retry import Retry
from service.client.wishes import RankWishes, SimilarWishes, SlateWishes
from service.http.catalogue_wire import (
    ItemPut,
    ItemsPutAnswer,
    ItemsPutRequest,
    ItemsRetireAnswer,
    ItemsRetireRequest,
    UserPut,
    UsersPutAnswer,
    UsersPutRequest,
)
from service.http.wire import (
    BatchAnswer,
    BatchRequest,
    EventRecord,
    EventsAnswer,
    EventsRequest,
    RankRequest,
    RecommendationRequest,
    SimilarRequest,
    SlateAnswer,
    SlateQuery,
)

TIMEOUT_S = 5.0

type TraceContext = Callable[[], Mapping[str, str]]
"""Returns `traceparent`, and perhaps `tracestate`, of this moment (W3C Trace Context)."""


def untraced() -> Mapping[str, str]:
    """Return no headers: whoever calls has no span."""
    return {}


class Calls:
    """Makes calls: checked here, by the same structs as there, before anything is sent."""

    def __init__(self, timeout_s: float, retry: Retry, trace_context: TraceContext) -> None:
        self._timeout_s = timeout_s
        self._retry = retry
        self._trace_context = trace_context

    def _recommend(self, wishes: SlateWishes) -> Call[SlateAnswer]:
        return self._slate("/v1/recommendations", _made(RecommendationRequest, wishes))

    def _rank(self, candidates: Sequence[str], wishes: RankWishes) -> Call[SlateAnswer]:
        return self._slate("/v1/rank", _made(RankRequest, {**wishes, "candidates": candidates}))

    def _similar(self, items: Sequence[str], wishes: SimilarWishes) -> Call[SlateAnswer]:
        return self._slate("/v1/similar", _made(SimilarRequest, {**wishes, "seed_items": items}))

    def _batch(self, queries: Iterable[SlateWishes]) -> Call[BatchAnswer]:
        made = tuple(_made(SlateQuery, query) for query in queries)
        return self._call("POST", "/v1/recommendations/batch", BatchRequest(made), BatchAnswer)

    def _events(self, events: Iterable[EventRecord]) -> Call[EventsAnswer]:
        # An id for each that has none: only then may they be sent again.
        sent = tuple(
            event if event.event_id else msgspec.structs.replace(event, event_id=uuid.uuid4().hex)
            for event in events
        )
        return self._call("POST", "/v1/events", EventsRequest(sent), EventsAnswer)

    def _put_items(self, items: Iterable[ItemPut]) -> Call[ItemsPutAnswer]:
        return self._call("PUT", "/v1/items", ItemsPutRequest(tuple(items)), ItemsPutAnswer)

    def _retire_items(self, item_ids: Iterable[str]) -> Call[ItemsRetireAnswer]:
        wanted = ItemsRetireRequest(tuple(item_ids))
        return self._call("DELETE", "/v1/items", wanted, ItemsRetireAnswer)

    def _put_users(self, users: Iterable[UserPut]) -> Call[UsersPutAnswer]:
        return self._call("PUT", "/v1/users", UsersPutRequest(tuple(users)), UsersPutAnswer)

    def _slate(self, path: str, body: msgspec.Struct) -> Call[SlateAnswer]:
        return self._call("POST", path, body, SlateAnswer)

    def _call[T](self, method: str, path: str, body: msgspec.Struct, answer: type[T]) -> Call[T]:
        told = self._trace_context()
        return Call(method, path, body, answer, self._timeout_s, self._retry, told)


def _made[T](kind: type[T], fields: Any) -> T:
    """Make a request of what was given.

    Raises:
        msgspec.ValidationError: a field is unknown, missing, or out of its range.
    """
    return msgspec.convert(dict(fields), kind)
