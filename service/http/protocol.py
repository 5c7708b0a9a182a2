"""The short way to an endpoint: from the parser's last callback to one write, no ASGI between."""

import asyncio
from collections import deque
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from service.door import Headers
from service.http.endpoint import JSON, Endpoint
from service.http.front import Front
from service.http.reply import Reply


class DirectProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which answers plain requests to an endpoint itself.

    Plain: a POST over HTTP/1.1 to an endpoint's exact path, whose body has a length that needs no
    flow control, that neither asks to be continued nor to be the last, and that does not wait
    behind another (pipelining). All else goes uvicorn's way to the ASGI app, where the endpoints
    answer the same. What is saved, and the figures: docs/decisions/0010-endpoints-in-front.md.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        front = cast("Front", self.app)
        self._endpoints = front.endpoints
        self._first = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin, with a flow that reads no further while requests wait."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)

    def data_received(self, data: bytes) -> None:
        """Parse; only the first request of a piece goes the short way: others get a turn."""
        self._first = True
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Take the request, or leave it to uvicorn."""
        endpoint = self._endpoints.get(self.url)
        free = self._first and (self.cycle is None or self.cycle.response_complete)
        self._first = False
        if endpoint is not None and free and (kind := self._plain()):
            self.cycle = Exchange(endpoint, self.headers, kind)  # type: ignore[assignment]  # it stands in for uvicorn's
        else:
            super().on_headers_complete()

    def _plain(self) -> bytes | None:
        """Return the content type of a plain request's body, None where the request is not."""
        parser = self.parser
        if parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            return None
        if self.expect_100_continue or parser.should_upgrade() or not parser.should_keep_alive():
            return None
        kind, length = JSON, HIGH_WATER_LIMIT + 1
        for name, value in self.headers:
            if name == b"content-length":
                length = int(value)
            elif name == b"content-type":
                kind = value
        return kind if length <= HIGH_WATER_LIMIT else None

    def on_message_complete(self) -> None:
        """Start answering, and go on until there is something to wait for."""
        super().on_message_complete()
        exchange = self.cycle
        if isinstance(exchange, Exchange):
            task = asyncio.Task(self._answer(exchange), loop=self.loop, eager_start=True)
            if not task.done():
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

    async def _answer(self, exchange: Exchange) -> None:
        try:
            reply = await exchange.endpoint.answer(exchange.headers, exchange.kind, exchange.body)
            if self.flow.write_paused and not exchange.disconnected:
                await self.flow.drain()
            if not exchange.disconnected:
                self._write(reply, exchange)
        except BaseException:
            self.transport.close()
            raise

    def _write(self, reply: Reply, exchange: Exchange) -> None:
        parts = [STATUS_LINE[reply.status]]
        for name, value in (*self.server_state.default_headers, *reply.headers):
            parts += (name, b": ", value, b"\r\n")
        if not exchange.keep_alive and not reply.closes:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", reply.body)
        self.transport.write(b"".join(parts))
        exchange.response_complete = True
        if reply.closes or not exchange.keep_alive:
            self.transport.close()
        self.on_response_complete()


class Exchange:
    """A plain request and whether it is answered: what uvicorn's protocol asks of its cycle."""

    __slots__ = (
        "body",
        "disconnected",
        "endpoint",
        "headers",
        "keep_alive",
        "kind",
        "message_event",
        "more_body",
        "response_complete",
    )

    def __init__(self, endpoint: Endpoint[Any], headers: Headers, kind: bytes) -> None:
        self.endpoint = endpoint
        self.headers = headers
        self.kind = kind
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False
        self.message_event = _NOBODY_WAITS


class _Flow(FlowControl):
    """Does not resume reading while pipelined requests wait: uvicorn resumes after each answer.

    Whoever sends and does not read would fill the memory with requests, a quarter of a megabyte
    of them for each answer.
    """

    def __init__(self, transport: asyncio.Transport, waiting: deque[Any]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """Read on, unless requests wait."""
        if not self._waiting:
            super().resume_reading()


class _Unheard:
    """An event that nobody waits for."""

    def set(self) -> None:
        """Do nothing."""


_NOBODY_WAITS = _Unheard()
