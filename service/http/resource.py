"""A path that answers several methods, or another than POST."""

from typing import Any

from service.http.asgi import Receive, Scope, Send
from service.http.endpoint import Endpoint


class Resource:
    """Sends a request to the endpoint of its method; the first one refuses the other methods."""

    def __init__(self, *endpoints: Endpoint[Any]) -> None:
        self._by_method = dict[str, Endpoint[Any]](
            (endpoint.method, endpoint) for endpoint in endpoints
        )
        self._first = endpoints[0]
        for endpoint in endpoints:
            endpoint.allow = ", ".join(self._by_method)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ASGI has it."""
        endpoint = self._by_method.get(scope["method"], self._first)
        await endpoint(scope, receive, send)
