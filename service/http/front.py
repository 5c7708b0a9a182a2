"""The app of one event loop: endpoints by one look-up, everything else by Litestar."""

from collections.abc import Awaitable, Mapping
from typing import Any

from service.http.asgi import Asgi, Receive, Scope, Send
from service.http.endpoint import Endpoint


class Front:
    """Sends a request on its way by its exact path; ``rest`` gets what no endpoint answers.

    A web framework's work per request (connection and header objects, dependency look-ups,
    exception layers) costs more than decoding and encoding W1 together. ``endpoints`` by the
    bytes of their paths are for `DirectProtocol`, which answers most requests before they become
    ASGI's. ``resources`` are paths with other methods than POST.
    """

    def __init__(
        self, endpoints: Mapping[str, Endpoint[Any]], resources: Mapping[str, Asgi], rest: Asgi
    ) -> None:
        self.endpoints = {path.encode(): endpoint for path, endpoint in endpoints.items()}
        self._apps: dict[str, Asgi] = {**endpoints, **resources}
        self._rest = rest

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Return the answering coroutine itself, so that no frame of ours stands around it."""
        return self._apps.get(scope["path"], self._rest)(scope, receive, send)
