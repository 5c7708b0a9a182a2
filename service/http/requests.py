"""The routes for looking back: recent and slow requests, one of them, and its replay.

They are for operators: bodies and slates tell what single users do. `--flight 0` keeps nothing.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from service.desk import Desk
from service.explain.beside import Beside
from service.explain.records import detail, summary
from service.explain.replay import CannotReplay, ChangeInvalid, Recorded, replay
from service.http import problems
from service.http.contract import REPLAY
from service.http.endpoint import Endpoint, new_request_id
from service.http.requests_wire import FlightsAnswer, ReplayAnswer, ReplayRequest
from service.models import errors
from service.observe.flight import Flight, find, merged
from service.observe.spans import Trace

MOST_LISTED = 1000


class Requests:
    """One method per route; what all loops of this replica keep is looked at as one."""

    def __init__(self, desk: Desk, flights: Sequence[Flight], beside: Beside) -> None:
        self._desk = desk
        self._flights = flights
        self._beside = beside

    def listing(self, order: str, limit: int) -> bytes:
        """Answer `GET /v1/requests`."""
        found = merged(self._flights, order, limit)
        return self._desk.encoder.encode(FlightsAnswer([summary(one) for one in found]))

    def detail(self, request_id: str) -> bytes:
        """Answer `GET /v1/requests/{id}`."""
        return self._desk.encoder.encode(detail(self._recorded(request_id).flown))

    async def replay(self, wanted: ReplayRequest, request_id: str, trace: Trace) -> ReplayAnswer:
        """Answer `POST /v1/replay`."""
        recorded = self._recorded(wanted.request_id)
        with _told():
            serving = self._beside.at_hand(wanted.model_version)
            if serving is None and wanted.model_version is not None:
                with trace.span("load"):
                    serving = await asyncio.to_thread(self._beside.load, wanted.model_version)
            serving = serving or self._desk.state.read()
            with trace.span("replay"):
                return await replay(wanted, recorded, serving, self._desk, request_id)

    def _recorded(self, request_id: str) -> Recorded:
        own, _, part = request_id.partition(".")
        flown = find(self._flights, own)
        if flown is None or (part and not part.isdecimal()):
            raise problems.NoSuchRequest(
                f"{request_id!r} is not kept here (any more); `GET /v1/requests` lists what is",
                "$.request_id",
            )
        return Recorded(flown, int(part) if part else None)


def request_routes(desk: Desk, requests: Requests) -> dict[str, Endpoint[Any]]:
    """Return path -> endpoint of one event loop."""
    return {REPLAY.path: Endpoint(desk, REPLAY, requests.replay)}


def request_pages(requests: Requests) -> list[HTTPRouteHandler]:
    """Return the routes that list requests and show one."""

    @get("/v1/requests", include_in_schema=False)
    async def listed(
        order: FromQuery[Literal["recent", "slow", "failed"]] = "recent",
        limit: Annotated[int, QueryParameter(ge=1, le=MOST_LISTED)] = 50,
    ) -> Response[bytes]:
        return Response(requests.listing(order, limit), media_type="application/json")

    @get("/v1/requests/{request_id:str}", include_in_schema=False)
    async def one(request_id: FromPath[str]) -> Response[bytes]:
        try:
            body = requests.detail(request_id)
        except problems.ProblemError as problem:
            return Response(
                problems.document(problem, new_request_id()),
                status_code=problem.status,
                media_type=problems.CONTENT_TYPE,
            )
        return Response(body, media_type="application/json")

    return [listed, one]


@contextmanager
def _told() -> Iterator[None]:
    """Turn what was refused into a problem document."""
    try:
        yield
    except ChangeInvalid as fault:
        raise problems.BodyInvalid(str(fault), fault.path) from None
    except CannotReplay as fault:
        raise problems.NotReplayable(str(fault), "$.request_id") from None
    except errors.UnknownVersion as fault:
        raise problems.NoSuchVersion(str(fault), "$.model_version") from None
    except errors.VersionRefused as fault:
        raise problems.ModelRefused(str(fault), "$.model_version") from None
