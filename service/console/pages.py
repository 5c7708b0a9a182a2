"""The console's routes: its page, what that loads, and what its forms list."""

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter
from litestar.router import Router
from litestar.static_files import create_static_files_router

from service.access.headers import page_headers
from service.artifacts import versions
from service.console.choices import (
    Choices,
    items_like,
    popular_items,
    some_users,
    surfaces_of,
    versions_of,
)
from service.desk import Desk

ASSETS = Path(str(files("service.console"))) / "assets"


def console_pages(desk: Desk, redis_url: str) -> list[HTTPRouteHandler | Router]:
    """Return the routes of one event loop."""
    page = (ASSETS / "index.html").read_bytes()
    policy = page_headers(page)

    @get("/", include_in_schema=False)
    async def home() -> Response[bytes]:
        return Response(page, media_type=MediaType.HTML, headers=policy)

    @get("/console/choices", include_in_schema=False)
    async def choices() -> Response[bytes]:
        snapshot = desk.state.read().snapshot
        folder = desk.settings.artifact.parent
        found = Choices(
            snapshot.version,
            versions_of(await asyncio.to_thread(versions, folder), snapshot.version),
            surfaces_of(desk.surfaces.read()),
            await asyncio.to_thread(some_users, redis_url),
            popular_items(snapshot),
        )
        return Response(desk.encoder.encode(found), media_type=MediaType.JSON)

    @get("/console/items", include_in_schema=False)
    async def items(
        like: FromQuery[Annotated[str, QueryParameter(min_length=1, max_length=128)]],
    ) -> Response[bytes]:
        snapshot = desk.state.read().snapshot
        found = await asyncio.to_thread(items_like, snapshot, like)
        return Response(desk.encoder.encode(found), media_type=MediaType.JSON)

    assets = create_static_files_router("/console/assets", [ASSETS], include_in_schema=False)
    return [home, choices, items, assets]
