"""The route that tells what experiments there are, and what the shadows found."""

from collections.abc import Callable

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from service.desk import Desk
from service.experiments.listing import ExperimentsAnswer


def experiment_page(desk: Desk, answer: Callable[[], ExperimentsAnswer]) -> HTTPRouteHandler:
    """Return the route."""

    @get("/v1/experiments", include_in_schema=False)
    async def all_experiments() -> Response[bytes]:
        return Response(desk.encoder.encode(answer()), media_type="application/json")

    return all_experiments
