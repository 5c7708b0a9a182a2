"""One recorded request run again: as it was, or by another model, other settings, another body."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from ranking.filters import FilterRejected
from ranking.rerank import Fault, boost_faults, pin_faults
from ranking.surfaces import Surface, SurfacesRejected
from ranking.surfaces.parse import overridden
from service.desk import Desk
from service.experiments.choose import Choice, choose
from service.experiments.draft import draft
from service.explain.compare import compare
from service.explain.explained import explained
from service.explain.records import body_of, side, slates_of
from service.explain.remembered import RememberedUser
from service.http.answers import slate_answer
from service.http.contract import BATCH, RANK, RECOMMENDATIONS, SIMILAR
from service.http.queries import Wanted, query_of
from service.http.requests_wire import ReplayAnswer, ReplayRequest
from service.http.wire import RankRequest, RecommendationRequest, SimilarRequest, SlateAnswer
from service.observe.flight import Flown
from service.observe.spans import Trace
from service.pipeline import recommend
from service.state import Serving
from service.surfaces.plan import Plan

WHAT_IF: Final = "what-if"
"""The variant of a replay whose settings were changed."""

REQUESTS: Final[dict[str, type[RecommendationRequest | RankRequest | SimilarRequest]]] = {
    RECOMMENDATIONS.path: RecommendationRequest,
    BATCH.path: RecommendationRequest,  # one of its queries
    RANK.path: RankRequest,
    SIMILAR.path: SimilarRequest,
}


class CannotReplay(Exception):
    """The record does not have what a replay needs; the message says what."""


class ChangeInvalid(Exception):
    """The changes that were asked for cannot be made; ``path`` is the JSON path of the cause."""

    def __init__(self, detail: str, path: str) -> None:
        super().__init__(detail)
        self.path = path


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it was recorded; ``part`` is which of a batch's queries, or None."""

    flown: Flown
    part: int | None

    @property
    def request_id(self) -> str:
        """The id that it was answered under: its seed follows from it."""
        own = self.flown.request_id
        return own if self.part is None else f"{own}.{self.part}"

    def body(self) -> dict[str, Any]:
        """Return its body.

        Raises:
            CannotReplay: it was too large to keep, or was none.
        """
        if self.flown.body is None:
            raise CannotReplay("its body was too large to keep; send it again instead")
        body = body_of(self.flown)
        if self.flown.route == BATCH.path:
            if self.part is None:
                raise CannotReplay("a batch is replayed query by query; add .0 to its id")
            queries = body.get("queries") if isinstance(body, dict) else None
            body = queries[self.part] if queries and self.part < len(queries) else None
        if not isinstance(body, dict):
            raise CannotReplay("what came with it was no request; nothing can be run again")
        return body

    @property
    def knows_user(self) -> bool:
        """Tell whether it is kept what the store said of the user, or that it said nothing."""
        trace = self.flown.trace
        return self.part is None and (
            trace.user is not None or any(stage == "context" for stage, _ in trace.degraded)
        )

    def slate(self) -> SlateAnswer | None:
        """Return what was answered, if it is kept."""
        slates, part = slates_of(self.flown), self.part or 0
        return slates[part] if part < len(slates) else None


async def replay(
    wanted: ReplayRequest, recorded: Recorded, serving: Serving, desk: Desk, request_id: str
) -> ReplayAnswer:
    """Run a recorded request again and compare.

    Seed, time of arrival and what was known of the user are the recorded ones. There is no
    deadline. Nothing of it is counted, noted as shown, or recorded.

    Raises:
        CannotReplay: the record does not have what is needed.
        ChangeInvalid: the changes cannot be made.
    """
    was = recorded.body()
    request = _changed(was, wanted.body, REQUESTS[recorded.flown.route])
    choice = _choice(request, wanted.surface, desk)
    plan = _plan(request.surface, choice, serving)
    _check(request, serving)
    query = query_of(request, plan.surface, recorded.request_id, "$.body")
    trace = Trace()
    trace.arrived_s = recorded.flown.trace.arrived_s
    user_id = query.user_id
    same_user = user_id == was.get("user_id") and (user_id is None or recorded.knows_user)
    if same_user:
        desk = replace(desk, store=RememberedUser(desk.store, recorded.flown.trace.user))
    debug = None
    if request.debug:
        answer, debug = await explained(query, plan, serving, desk, trace, request.why_not)
    else:
        answer = await recommend(query, plan, serving, desk, trace)
    with trace.span("encode"):
        slate = slate_answer(request_id, answer, serving, trace)
    if choice.rival is not None and recorded.part is None:
        rival = _plan(request.surface, choice.rival, serving)
        theirs = await recommend(query, rival, serving, desk, trace)
        other = slate_answer(request_id, theirs, serving, trace)
        slate, _ = draft(slate, other, choice.arm, query)
    slate = msgspec.structs.replace(slate, debug=debug)
    before = recorded.slate()
    return ReplayAnswer(
        request_id=request_id,
        recorded=side(before, recorded.flown.trace, recorded.flown.total_ns),
        replayed=side(slate, trace, trace.elapsed_ns()),
        overlap=compare(_ids(before), _ids(slate)) if before is not None else None,
        as_recorded=["seed", "time", *["user"] * same_user],
        as_of_now=["item features", "live counts", *["user"] * (not same_user)],
    )


def _changed[T](body: Mapping[str, Any], changes: Mapping[str, Any], request: type[T]) -> T:
    merged = {**body, **changes}
    kept = {name: value for name, value in merged.items() if value is not None}
    try:
        return msgspec.convert(kept, request)
    except msgspec.ValidationError as fault:
        raise ChangeInvalid(f"the changed request: {fault}", "$.body") from None


def _choice(request: Wanted, changes: Mapping[str, Any], desk: Desk) -> Choice:
    """Return how the request's surface is served to its user, with the changes laid over it."""
    surfaces, name = desk.surfaces.read(), request.surface
    if name not in surfaces.by_name:
        known = ", ".join(sorted(surfaces.by_name))
        raise ChangeInvalid(
            f"there is no surface {name!r} now; there are {known}", "$.body.surface"
        )
    choice = choose(surfaces, name, getattr(request, "user_id", None))
    if not changes:
        return choice
    table = overridden(msgspec.to_builtins(choice.surface), changes)
    try:
        return Choice(msgspec.convert(table, Surface), WHAT_IF)
    except msgspec.ValidationError as fault:
        raise ChangeInvalid(f"the changed surface: {fault}", "$.surface") from None


def _plan(name: str, choice: Choice, serving: Serving) -> Plan:
    try:
        return serving.plans.of(name, choice)
    except SurfacesRejected as fault:
        raise ChangeInvalid(f"the surface, for this model: {fault}", "$.surface") from None


def _check(request: Wanted, serving: Serving) -> None:
    """Refuse what this model's catalogue cannot be asked for."""
    faults: list[Fault] = []
    try:
        if request.filter is not None:
            serving.filters.hidden(request.filter)
    except FilterRejected as fault:
        faults.append(Fault(("filter",), str(fault)))
    faults += pin_faults(request.pin, serving.snapshot.catalogue)
    faults += boost_faults(request.boost, serving.filters.table)
    for wrong in faults:
        raise ChangeInvalid(wrong.reason, ".".join(("$.body", *wrong.path)))


def _ids(slate: SlateAnswer) -> list[str]:
    return [item.item_id for item in slate.items]
