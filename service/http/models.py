"""The routes that change what is served: versions, activation, rollback.

There are no keys and no scopes yet: whoever reaches the port may use these, so bind them to
loopback (the default) only. They will ask for the scope `admin`.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from service.artifacts import versions
from service.desk import Desk
from service.http.endpoint import Endpoint
from service.http.problems import ProblemError
from service.http.wire import Id
from service.models import errors
from service.models.listing import ModelsAnswer, listing
from service.models.pointer import Pointer
from service.models.switch import Switch
from service.observe.spans import Trace


class ActivateRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version that every replica is to serve."""

    version: Id


class RollbackRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: what was before is known."""


class ChangeAnswer(msgspec.Struct, frozen=True):
    """Sent once this replica serves ``active``; the others follow. ``previous``: the way back."""

    request_id: str
    active: str
    previous: str | None


class NoSuchVersion(ProblemError):
    """The client's: no artifact of that name."""

    code, title, status = "no-such-version", "No such version", 404


class ModelRefused(ProblemError):
    """The artifact's: damaged or unfit; the old model serves on."""

    code, title, status = "model-refused", "The model was refused", 422


class NoWayBack(ProblemError):
    """The client's: there is no previous version."""

    code, title, status = "nothing-to-go-back-to", "There is no previous version", 409


class Busy(ProblemError):
    """Nobody's: one change at a time."""

    code, title, status = "change-under-way", "Another change is under way", 409
    headers = MappingProxyType({"retry-after": "1"})


class NoPointer(ProblemError):
    """The store's: it did not confirm, so the replicas would not agree."""

    code, title, status = "pointer-unreachable", "The pointer was not written", 503
    headers = MappingProxyType({"retry-after": "1"})


PROBLEMS: dict[type[errors.ChangeRefused], type[ProblemError]] = {
    errors.UnknownVersion: NoSuchVersion,
    errors.VersionRefused: ModelRefused,
    errors.NothingToGoBackTo: NoWayBack,
    errors.ChangeUnderWay: Busy,
    errors.PointerUnreachable: NoPointer,
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
            Endpoint(desk, "/v1/models/activate", ActivateRequest, models.activate),
            Endpoint(desk, "/v1/models/rollback", RollbackRequest, models.roll_back),
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
