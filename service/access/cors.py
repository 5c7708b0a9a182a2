"""Which pages may ask from a browser (WHATWG Fetch, section 3.3): none, unless told."""

from collections.abc import Sequence
from typing import Any, Final

from service.http.asgi import Asgi, Receive, Scope, Send

type Headers = Sequence[tuple[bytes, bytes]]

PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE"),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, traceparent, tracestate, x-api-key, x-deadline-ms",
    ),
    (b"access-control-max-age", b"600"),
    (b"content-length", b"0"),
)
EXPOSED: Final = (
    b"access-control-expose-headers",
    b"x-request-id, server-timing, retry-after, traceresponse",
)
VARY: Final = (b"vary", b"origin")


class Cors:
    """Answers preflights, and marks answers for the origins it was given, compared exactly.

    Credentials are not allowed: a key is sent by whoever has it, not by a browser on its own.
    """

    def __init__(self, app: Asgi, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ASGI has it."""
        headers: Headers = scope["headers"]
        origin = next((value for name, value in headers if name == b"origin"), None)
        asks = any(name == b"access-control-request-method" for name, _ in headers)
        if origin not in self._origins:
            await self._app(scope, receive, _marking(send, (VARY,)))
        elif asks and scope["method"] == "OPTIONS":
            marks = (*PREFLIGHT, *_allowed(origin))
            await send({"type": "http.response.start", "status": 204, "headers": [*marks]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._app(scope, receive, _marking(send, (*_allowed(origin), EXPOSED)))


def _allowed(origin: bytes | None) -> Headers:
    return ((b"access-control-allow-origin", origin or b""), VARY)


def _marking(send: Send, marks: Headers) -> Send:
    async def marked(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *marks]}
        await send(message)

    return marked
