"""The routes that change what is served: versions, activation, rollback."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from service.artifacts import versions
from service.desk import Desk
from service.http import problems
from service.http.contract import ACTIVATE, ROLLBACK
from service.http.endpoint import Endpoint
from service.http.wire import ActivateRequest, ChangeAnswer, RollbackRequest
from service.models import errors
from service.models.listing import ModelsAnswer, listing
from service.models.pointer import Pointer
from service.models.switch import Switch
from service.observe.spans import Trace

PROBLEMS: dict[type[errors.ChangeRefused], type[problems.ProblemError]] = {
    errors.UnknownVersion: problems.NoSuchVersion,
    errors.VersionRefused: problems.ModelRefused,
    errors.NothingToGoBackTo: problems.NoWayBack,
    errors.ChangeUnderWay: problems.ChangeUnderWay,
    errors.PointerUnreachable: problems.PointerNotWritten,
}


class Models:
    """One method per route; each waits in a thread, so the loop serves on meanwhile."""

    def __init__(self, replica: str, switch: Switch, pointer: Pointer) -> None:
        self._replica = replica
        self._switch = switch
        self._pointer = pointer

    async def listing(self) -> ModelsAnswer:
        """Answer `GET /v1/models`."""
        return await asyncio.to_thread(self._listing)

    async def activate(self, wanted: ActivateRequest, request_id: str, _: Trace) -> ChangeAnswer:
        """Answer `POST /v1/models/activate`."""
        with _told():
            now = await asyncio.to_thread(self._switch.activate, wanted.version)
        return ChangeAnswer(request_id, now.version, now.previous)

    async def roll_back(self, _: RollbackRequest, request_id: str, _trace: Trace) -> ChangeAnswer:
        """Answer `POST /v1/models/rollback`."""
        with _told():
            now = await asyncio.to_thread(self._switch.roll_back)
        return ChangeAnswer(request_id, now.version, now.previous)

    def _listing(self) -> ModelsAnswer:
        own, published = self._switch.report(), versions(self._switch.folder)
        try:
            wanted, reports = self._pointer.read(), self._pointer.reports()
        except errors.PointerUnreachable:
            return listing(self._replica, own, published, None, None)
        return listing(self._replica, own, published, wanted, reports)


def model_routes(desk: Desk, models: Models) -> dict[str, Endpoint[Any]]:
    """Return path -> endpoint of one event loop, for the routes that change the model."""
    return {
        endpoint.path: endpoint
        for endpoint in (
            Endpoint(desk, ACTIVATE, models.activate),
            Endpoint(desk, ROLLBACK, models.roll_back),
        )
    }


def model_page(desk: Desk, models: Models) -> HTTPRouteHandler:
    """Return the route that lists the versions."""

    @get("/v1/models", include_in_schema=False)
    async def all_versions() -> Response[bytes]:
        body = desk.encoder.encode(await models.listing())
        return Response(body, media_type="application/json")

    return all_versions


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the switch refuses into a problem document."""
    try:
        yield
    except errors.ChangeRefused as fault:
        raise PROBLEMS[type(fault)](str(fault), None) from None
