"""The routes by which clients change items and users."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from service.catalogue.check import PutRejected, check_ids, check_items, check_users
from service.catalogue.log import LogUnreachable, Put
from service.catalogue.writer import CatalogueWriter
from service.desk import Desk
from service.http.catalogue_wire import (
    ItemsPutAnswer,
    ItemsPutRequest,
    ItemsRetireAnswer,
    ItemsRetireRequest,
    UsersPutAnswer,
    UsersPutRequest,
)
from service.http.contract import PUT_ITEMS, PUT_USERS, RETIRE_ITEMS
from service.http.endpoint import Endpoint
from service.http.problems import BodyInvalid, NotStored
from service.http.resource import Resource
from service.observe.spans import Trace


class CatalogueRoutes:
    """One method per route; each waits in a thread, so the loop serves on meanwhile."""

    def __init__(self, desk: Desk, writer: CatalogueWriter) -> None:
        self._desk = desk
        self._writer = writer

    async def put_items(
        self, wanted: ItemsPutRequest, request_id: str, trace: Trace
    ) -> ItemsPutAnswer:
        """Answer `PUT /v1/items`."""
        puts = [Put(item.item_id, item.properties, item.features) for item in wanted.items]
        with _told():
            check_items(puts, self._desk.state.read())
            with trace.span("store"):
                await asyncio.to_thread(self._writer.put_items, puts)
        return ItemsPutAnswer(request_id, len(puts))

    async def retire_items(
        self, wanted: ItemsRetireRequest, request_id: str, trace: Trace
    ) -> ItemsRetireAnswer:
        """Answer `DELETE /v1/items`."""
        with _told():
            check_ids(wanted.item_ids, "item_ids", None)
            with trace.span("store"):
                unknown = await asyncio.to_thread(self._writer.retire_items, wanted.item_ids)
        return ItemsRetireAnswer(request_id, len(wanted.item_ids) - unknown, unknown)

    async def put_users(
        self, wanted: UsersPutRequest, request_id: str, trace: Trace
    ) -> UsersPutAnswer:
        """Answer `PUT /v1/users`."""
        users = [(user.user_id, user.features) for user in wanted.users]
        with _told():
            check_users(users, self._desk.state.read().user_schema)
            with trace.span("store"):
                await asyncio.to_thread(self._writer.put_users, users)
        return UsersPutAnswer(request_id, len(users))


def catalogue_routes(desk: Desk, writer: CatalogueWriter) -> dict[str, Resource]:
    """Return path -> resource of one event loop."""
    routes = CatalogueRoutes(desk, writer)
    return {
        "/v1/items": Resource(
            Endpoint(desk, PUT_ITEMS, routes.put_items),
            Endpoint(desk, RETIRE_ITEMS, routes.retire_items),
        ),
        "/v1/users": Resource(Endpoint(desk, PUT_USERS, routes.put_users)),
    }


@contextmanager
def _told() -> Iterator[None]:
    """Turn what was refused into a problem document."""
    try:
        yield
    except PutRejected as fault:
        raise BodyInvalid(str(fault), fault.path) from None
    except LogUnreachable as fault:
        raise NotStored(f"{fault}; send it again, which is safe") from None
