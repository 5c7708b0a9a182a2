"""The HTTP surface of one event loop: requests become queries, answers become JSON."""

from typing import Any

import msgspec

from ranking.filters import FilterRejected
from ranking.rerank import Fault, boost_faults, pin_faults
from ranking.surfaces import Surfaces
from service.answer import Answer
from service.batch import recommend_batch
from service.desk import Desk
from service.experiments.again import again, ranked
from service.experiments.choose import Choice, choose
from service.experiments.draft import draft
from service.experiments.findings import Ranked
from service.explain.explained import explained
from service.http.answers import slate_answer
from service.http.contract import BATCH, EVENTS, RANK, RECOMMENDATIONS, SIMILAR, Operation
from service.http.endpoint import Endpoint, Respond
from service.http.events import Events
from service.http.problems import BodyInvalid, FilterInvalid, UnknownItems, UnknownSurface
from service.http.queries import Wanted, query_of
from service.http.wire import (
    BatchAnswer,
    BatchRequest,
    RankRequest,
    RecommendationRequest,
    SimilarRequest,
    SlateAnswer,
)
from service.observe.spans import Trace
from service.pipeline import recommend
from service.state import Serving


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
        """Answer `POST /v1/recommendations/batch`; nobody's slate is drafted from two here."""
        desk = self._desk
        trace.expire_in(wanted.deadline_ms)
        serving, surfaces = desk.state.read(), desk.surfaces.read()
        choices, plans, queries = [], [], []
        for index, one in enumerate(wanted.queries):
            path = f"$.queries[{index}]"
            choice = _choice(one, surfaces, path)
            plan = serving.plans.of(one.surface, choice)
            choices.append(choice)
            plans.append(plan)
            queries.append(query_of(one, plan.surface, f"{request_id}.{index}", path))
            _check(one, serving, path)

        def name(index: int, answer: Answer, own: Trace) -> tuple[Answer, SlateAnswer]:
            return answer, slate_answer(f"{request_id}.{index}", answer, serving, own)

        named = await recommend_batch(queries, plans, serving, desk, trace, name)
        for choice, (answer, slate) in zip(choices, named, strict=True):
            if choice.rival is None:
                desk.logs.note(slate.request_id, answer, choice, serving, trace.arrived_s)
        return BatchAnswer(request_id, [slate for _, slate in named])

    async def rank(self, wanted: RankRequest, request_id: str, trace: Trace) -> SlateAnswer:
        """Answer `POST /v1/rank`; candidates that the catalogue lacks show in `coverage.scored`."""
        return await self._slate(wanted, request_id, trace)

    async def similar(self, wanted: SimilarRequest, request_id: str, trace: Trace) -> SlateAnswer:
        """Answer `POST /v1/similar`."""
        catalogue = self._desk.state.read().snapshot.catalogue
        if not len(catalogue.ordinals(wanted.seed_items)):
            raise UnknownItems("none of them is in the catalogue; send known ids", "$.seed_items")
        return await self._slate(wanted, request_id, trace)

    async def _slate(
        self,
        wanted: RecommendationRequest | RankRequest | SimilarRequest,
        request_id: str,
        trace: Trace,
    ) -> SlateAnswer:
        desk = self._desk
        serving, surfaces = desk.state.read(), desk.surfaces.read()
        choice = _choice(wanted, surfaces, "$")
        plan = serving.plans.of(wanted.surface, choice)
        query = query_of(wanted, plan.surface, request_id)
        trace.expire_in(query.deadline_ms)
        _check(wanted, serving, "$")
        debug, drafted = None, list[tuple[str, int]]()
        if wanted.debug:
            answer, debug = await explained(query, plan, serving, desk, trace, wanted.why_not)
        else:
            answer = await recommend(query, plan, serving, desk, trace)
        rival = None
        if choice.rival is not None:
            other = serving.plans.of(wanted.surface, choice.rival)
            rival = await recommend(query, other, serving, desk, trace)
        with trace.span("encode"):
            slate = slate_answer(request_id, answer, serving, trace)
            if rival is not None:
                theirs = slate_answer(request_id, rival, serving, trace)
                slate, drafted = draft(slate, theirs, choice.arm, query)
        desk.logs.note(request_id, answer, choice, serving, trace.arrived_s, drafted)
        self._shadow(surfaces, request_id, answer, serving, trace)
        return slate if debug is None else msgspec.structs.replace(slate, debug=debug)

    def _shadow(
        self, surfaces: Surfaces, request_id: str, answer: Answer, serving: Serving, trace: Trace
    ) -> None:
        """Have the answer compared with a challenger's, where the surface has one."""
        name = answer.plan.name
        rival = self._desk.experiments.rival(surfaces, name, request_id)
        if rival is None:
            return
        by = serving if rival.serving is None else rival.serving
        chosen = Choice(rival.surface, rival.variant)

        def repeat() -> Ranked:
            plan = by.plans.of(name, chosen)
            return again(answer.query, plan, answer.user, trace.arrived_s, serving, by)

        self._desk.experiments.offer(surfaces, name, ranked(answer, serving), repeat)


def _choice(wanted: Wanted, surfaces: Surfaces, path: str) -> Choice:
    """Return how the surface that a request names is served to its user."""
    name = wanted.surface
    if name not in surfaces.by_name:
        known = ", ".join(sorted(surfaces.by_name))
        raise UnknownSurface(f"there is no surface {name!r}; there are {known}", f"{path}.surface")
    return choose(surfaces, name, getattr(wanted, "user_id", None))


def _check(wanted: Wanted, serving: Serving, path: str) -> None:
    """Refuse what this catalogue cannot be asked for before anything is spent on the request."""
    if wanted.filter is not None:
        try:
            serving.filters.hidden(wanted.filter)
        except FilterRejected as fault:
            raise FilterInvalid(str(fault), f"{path}.filter") from None
    if wanted.pin:
        _refuse(pin_faults(wanted.pin, serving.snapshot.catalogue), path)
    if wanted.boost:
        _refuse(boost_faults(wanted.boost, serving.filters.table), path)


def _refuse(faults: list[Fault], path: str) -> None:
    for fault in faults:
        raise BodyInvalid(fault.reason, ".".join((path, *fault.path)))


def hot_routes(desk: Desk) -> dict[str, Endpoint[Any]]:
    """Return path -> endpoint of one event loop, for every operation of the contract."""
    answers = Answers(desk)
    endpoints = (
        _endpoint(desk, RECOMMENDATIONS, answers.recommendations),
        _endpoint(desk, BATCH, answers.batch),
        _endpoint(desk, RANK, answers.rank),
        _endpoint(desk, SIMILAR, answers.similar),
        _endpoint(desk, EVENTS, Events(desk)),
    )
    return {endpoint.path: endpoint for endpoint in endpoints}


def _endpoint[T](desk: Desk, operation: Operation[T], respond: Respond[T]) -> Endpoint[T]:
    flight = desk.flight if operation is not EVENTS else None  # what was shown, not what was done
    return Endpoint(desk, operation, respond, flight)
