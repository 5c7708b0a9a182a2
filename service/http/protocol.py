"""The short way to an endpoint: from the parser's last callback to one write, no ASGI between."""

import asyncio
from collections import Counter
from typing import Any, cast

from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from service.door import Headers
from service.http.alike import likeness
from service.http.bounded import BETWEEN, BODY, BoundedProtocol
from service.http.endpoint import JSON, Endpoint
from service.http.front import Front
from service.http.head import RARE, check_size, is_host
from service.http.limits import LARGEST_HEAD_BYTES, MOST_HEADERS, Limits
from service.http.reply import Reply


class DirectProtocol(BoundedProtocol):
    """A bounded protocol that answers plain requests to an endpoint itself.

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
        limits: Limits,
        refused: Counter[str],
    ) -> None:
        super().__init__(config, server_state, app_state, limits, refused)
        front = cast("Front", self.app)
        self._endpoints = front.endpoints
        self._first = True
        self._piece = b""
        self._refused_last: tuple[Endpoint[Any], bytes | None] | None = None
        self._host: bytes | None = None  # that was last found to be one
        self._running: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        """Parse; only the first request of a piece goes the short way: others get a turn."""
        if self._refused_last is not None and self._refuse_again(data, *self._refused_last):
            return
        self._first = True
        self._piece = data if self._phase is BETWEEN else b""
        super().data_received(data)
        self._piece = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop what is under way for nobody, where it changes nothing."""
        super().connection_lost(exc)
        if self._running is not None and self._running.cancel():
            self._refused["client-gone"] += 1

    def on_headers_complete(self) -> None:
        """Take the request, or leave it to uvicorn."""
        endpoint = self._endpoints.get(self.url)
        free = self._first and (self.cycle is None or self.cycle.response_complete)
        self._first = False
        if endpoint is not None and free and (kind := self._plain()):
            self.cycle = Exchange(endpoint, self.headers, kind)  # type: ignore[assignment]  # it stands in for uvicorn's
            self._phase = BODY
        else:
            super().on_headers_complete()

    def _plain(self) -> bytes | None:
        """Return the content type of a plain request's body, None where the request is not."""
        parser = self.parser
        if parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            return None
        headers = dict(self.headers)
        if len(headers) != len(self.headers) or not RARE.isdisjoint(headers):
            return None
        host = headers.get(b"host")
        if host != self._host:
            if host is None or not is_host(host):
                return None
            self._host = host
        if len(headers) > MOST_HEADERS or self._taken > LARGEST_HEAD_BYTES:
            check_size(self.url, self.headers)
        if not parser.should_keep_alive() or self.transport.is_closing():
            return None
        length = headers.get(b"content-length")
        if length is None or int(length) > HIGH_WATER_LIMIT:
            return None
        return headers.get(b"content-type", JSON)

    def on_message_complete(self) -> None:
        """Start answering, and go on until there is something to wait for."""
        super().on_message_complete()
        exchange = self.cycle
        if isinstance(exchange, Exchange):
            refusal = exchange.endpoint.turn_away(self.server_state.default_headers)
            if refusal is not None:
                self.transport.write(refusal)
                exchange.response_complete = True
                self._refused_last = exchange.endpoint, likeness(self._piece)
                self.on_response_complete()
                return
            self._refused_last = None
            task = asyncio.Task(self._answer(exchange), loop=self.loop, eager_start=True)
            if not task.done():
                self._keep(task, exchange.endpoint)

    def _refuse_again(self, piece: bytes, endpoint: Endpoint[Any], refused: bytes | None) -> bool:
        """Refuse a request like the last one that was, unparsed, where there is still no room.

        Whoever is refused asks again. To parse it takes as long as all else that a refusal does.
        """
        if self._phase is not BETWEEN or refused is None or likeness(piece) != refused:
            return False
        if not self.cycle.response_complete or self.transport.is_closing():
            return False
        refusal = endpoint.turn_away(self.server_state.default_headers)
        if refusal is None:
            return False
        self.transport.write(refusal)
        self._seen = (None, None)  # a request has come: this connection is not idle
        self.server_state.total_requests += 1
        return True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Start uvicorn's way to an answer, as uvicorn does, but not without knowing the task."""

        async def alone(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                if not cycle.disconnected:  # else uvicorn would log it as a fault
                    raise

        task = self.loop.create_task(cycle.run_asgi(alone))
        self._keep(task, self._endpoints.get(cycle.scope["raw_path"]))

    def _keep(self, task: asyncio.Task[None], endpoint: Endpoint[Any] | None) -> None:
        """Keep a task until it is done; one that only reads may be given up."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if endpoint is not None and endpoint.only_reads:
            self._running = task

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
        closes = reply.closes or not exchange.keep_alive
        of_server = self.server_state.default_headers
        self.transport.write(reply.on_the_wire(of_server, last=closes))
        exchange.response_complete = True
        if closes:
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


class _Unheard:
    """An event that nobody waits for."""

    def set(self) -> None:
        """Do nothing."""


_NOBODY_WAITS = _Unheard()
