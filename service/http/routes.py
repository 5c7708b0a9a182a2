"""The HTTP surface of one event loop: requests become queries, answers become JSON."""

import time
from typing import Any

import msgspec

from features.errors import StoreUnavailable
from features.events import Event
from features.types import Query
from ranking.filters import FilterRejected
from ranking.surfaces import Surfaces
from service.batch import recommend_batch
from service.desk import Desk
from service.experiments.choose import choose
from service.explain.explained import explained
from service.http.answers import slate_answer
from service.http.contract import BATCH, EVENTS, RANK, RECOMMENDATIONS, SIMILAR, Operation
from service.http.endpoint import Endpoint, Respond
from service.http.problems import EventsNotStored, FilterInvalid, UnknownItems, UnknownSurface
from service.http.queries import Wanted, query_of
from service.http.wire import (
    BatchAnswer,
    BatchRequest,
    EventsAnswer,
    EventsRequest,
    RankRequest,
    RecommendationRequest,
    SimilarRequest,
    SlateAnswer,
)
from service.observe.spans import Trace
from service.pipeline import Answer, recommend
from service.state import Serving
from service.surfaces.plan import Plan


class Answers:
    """One method per route: from the decoded request to the struct that is sent."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def recommendations(
        self, wanted: RecommendationRequest, request_id: str, trace: Trace
    ) -> SlateAnswer:
        """Answer `POST /v1/recommendations`."""
        return await self._slate(wanted, request_id, trace)

    async def batch(self, wanted: BatchRequest, request_id: str, trace: Trace) -> BatchAnswer:
        """Answer `POST /v1/recommendations/batch`."""
        desk = self._desk
        trace.expire_in(wanted.deadline_ms)
        serving, surfaces = desk.state.read(), desk.surfaces.read()
        plans, queries = [], []
        for index, one in enumerate(wanted.queries):
            plan = _plan(one, surfaces, serving, f"$.queries[{index}]")
            query = query_of(one, plan.surface, f"{request_id}.{index}")
            _check_filter(query, serving, f"$.queries[{index}].filter")
            plans.append(plan)
            queries.append(query)

        def name(index: int, answer: Answer, own: Trace) -> SlateAnswer:
            return slate_answer(f"{request_id}.{index}", answer, serving, own)

        slates = await recommend_batch(queries, plans, serving, desk, trace, name)
        return BatchAnswer(request_id, slates)

    async def rank(self, wanted: RankRequest, request_id: str, trace: Trace) -> SlateAnswer:
        """Answer `POST /v1/rank`; candidates that the catalogue lacks show in `coverage.scored`."""
        return await self._slate(wanted, request_id, trace)

    async def similar(self, wanted: SimilarRequest, request_id: str, trace: Trace) -> SlateAnswer:
        """Answer `POST /v1/similar`."""
        catalogue = self._desk.state.read().snapshot.catalogue
        if not len(catalogue.ordinals(wanted.seed_items)):
            raise UnknownItems("none of them is in the catalogue; send known ids", "$.seed_items")
        return await self._slate(wanted, request_id, trace)

    async def events(self, wanted: EventsRequest, request_id: str, trace: Trace) -> EventsAnswer:
        """Answer `POST /v1/events`, once the store has them all."""
        now_ms = time.time_ns() // 1_000_000
        events = [
            Event(
                record.user_id,
                record.item_id,
                record.type,
                now_ms if record.timestamp_ms is None else record.timestamp_ms,
                record.event_id,
            )
            for record in wanted.events
        ]
        try:
            with trace.span("store"):
                stored = await self._desk.writer.append_events(events)
        except StoreUnavailable as fault:
            raise EventsNotStored(
                f"{fault.reason}; send them again, with the same event ids if they have any"
            ) from None
        return EventsAnswer(request_id, len(events), stored)

    async def _slate(
        self,
        wanted: RecommendationRequest | RankRequest | SimilarRequest,
        request_id: str,
        trace: Trace,
    ) -> SlateAnswer:
        desk = self._desk
        serving = desk.state.read()
        plan = _plan(wanted, desk.surfaces.read(), serving, "$")
        query = query_of(wanted, plan.surface, request_id)
        trace.expire_in(query.deadline_ms)
        _check_filter(query, serving, "$.filter")
        debug = None
        if wanted.debug:
            answer, debug = await explained(query, plan, serving, desk, trace, wanted.why_not)
        else:
            answer = await recommend(query, plan, serving, desk, trace)
        with trace.span("encode"):
            slate = slate_answer(request_id, answer, serving, trace)
        return slate if debug is None else msgspec.structs.replace(slate, debug=debug)


def _plan(wanted: Wanted, surfaces: Surfaces, serving: Serving, path: str) -> Plan:
    """Return how the surface that a request names is served to its user."""
    name = wanted.surface
    if name not in surfaces.by_name:
        known = ", ".join(sorted(surfaces.by_name))
        raise UnknownSurface(f"there is no surface {name!r}; there are {known}", f"{path}.surface")
    choice = choose(surfaces, name, getattr(wanted, "user_id", None))
    return serving.plans.of(name, choice)


def _check_filter(query: Query, serving: Serving, path: str) -> None:
    """Refuse a filter that cannot be used before anything is spent on its request."""
    if query.filter is not None:
        try:
            serving.filters.hidden(query.filter)
        except FilterRejected as fault:
            raise FilterInvalid(str(fault), path) from None


def hot_routes(desk: Desk) -> dict[str, Endpoint[Any]]:
    """Return path -> endpoint of one event loop, for every operation of the contract."""
    answers = Answers(desk)
    endpoints = (
        _endpoint(desk, RECOMMENDATIONS, answers.recommendations),
        _endpoint(desk, BATCH, answers.batch),
        _endpoint(desk, RANK, answers.rank),
        _endpoint(desk, SIMILAR, answers.similar),
        _endpoint(desk, EVENTS, answers.events),
    )
    return {endpoint.path: endpoint for endpoint in endpoints}


def _endpoint[T](desk: Desk, operation: Operation[T], respond: Respond[T]) -> Endpoint[T]:
    flight = desk.flight if operation is not EVENTS else None  # what was shown, not what was done
    return Endpoint(desk, operation.path, operation.request, respond, flight=flight)
