"""What is not hot: health, metrics, the OpenAPI document and its page."""

import importlib.resources
from collections.abc import Callable
from pathlib import Path

import msgspec
from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.router import Router
from litestar.static_files import create_static_files_router

from service.access.headers import page_headers
from service.desk import Desk
from service.http import openapi
from service.http.unrouted import AnyRequest
from service.http.wire import Readiness
from service.observe.exposition import Exposition

DOCS_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Braid API</title>
<link rel="stylesheet" href="/schema/assets/swagger-ui.css">
<link rel="icon" href="/schema/assets/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/schema/assets/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({ url: "/schema/openapi.json", dom_id: "#swagger-ui", deepLinking: true,
                  validatorUrl: null });
</script>
</body>
</html>
"""


def pages(
    desk: Desk, exposition: Exposition, version: str, stuck: Callable[[], bool]
) -> list[HTTPRouteHandler | Router]:
    """Return the routes of one event loop that are no part of the contract's hot four."""
    document = msgspec.json.encode(openapi.document(version))

    @get("/health/live", media_type=MediaType.TEXT, include_in_schema=False)
    async def live() -> Response[str]:
        if stuck():
            return Response("an event loop does not turn any more; restart me\n", status_code=503)
        return Response("live\n")

    @get("/health/ready", include_in_schema=False)
    async def ready() -> Response[bytes]:
        draining, store = desk.lifecycle.draining, desk.store.connected
        readiness = Readiness(
            ready=store and not draining,
            store=store,
            model_version=desk.state.read().snapshot.version,
            draining=draining,
        )
        body = desk.encoder.encode(readiness)
        status = 200 if readiness.ready else 503
        return Response(body, status_code=status, media_type=MediaType.JSON)

    @get("/metrics", include_in_schema=False)
    async def metrics(request: AnyRequest) -> Response[bytes]:
        text, content_type = exposition.page(request.headers.get("accept", ""))
        return Response(text, media_type=content_type)

    @get("/schema/openapi.json", include_in_schema=False)
    async def schema() -> Response[bytes]:
        return Response(document, media_type=MediaType.JSON)

    policy = page_headers(DOCS_PAGE.encode(), styled_by_script=True)

    @get("/schema", include_in_schema=False)
    async def docs() -> Response[str]:
        return Response(DOCS_PAGE, media_type=MediaType.HTML, headers=policy)

    assets = create_static_files_router("/schema/assets", [_swagger_ui()], include_in_schema=False)
    return [live, ready, metrics, schema, docs, assets]


def _swagger_ui() -> Path:
    """Return the folder of the page's assets inside the `swagger-ui-bundle-v2` wheel."""
    vendor = Path(str(importlib.resources.files("swagger_ui_bundle"))) / "vendor"
    return max(vendor.glob("swagger-ui-*"))
