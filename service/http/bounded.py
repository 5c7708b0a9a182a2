"""uvicorn's protocol with bounds: on what is sent, on how slowly, and on what it can mean."""

import asyncio
import logging
from collections import Counter, deque
from enum import Enum
from math import inf
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from service.http.head import check_head
from service.http.limits import (
    BREATHER_S,
    LARGEST_HEAD_BYTES,
    LEAST_BYTES_PER_S,
    LINGER_S,
    MOST_WAITING,
    SLICE,
    UNREAD_S,
    Limits,
)
from service.http.problems import BodyTooLarge, HeadTooLarge, NotHttp, ProblemError, TooSlow
from service.http.refusal import refusal

log = logging.getLogger("braid")


class Phase(Enum):
    """Where in a request the bytes that come are."""

    BETWEEN = "between"
    HEAD = "head"
    BODY = "body"
    LEAVING = "leaving"  # refused: whatever comes is thrown away


# By themselves they are found faster than in their class, which is asked for each header.
BETWEEN, HEAD, BODY, LEAVING = Phase


class BoundedProtocol(HttpToolsProtocol):
    """Refuses what `check_head` does, and whoever takes too much or too long.

    A refusal comes after the answers to the requests before it, and ends the connection: what is
    behind it may be part of it. There are no timers: a sweep once a second looks at what each
    connection does, and since when. docs/decisions/0028-input.md.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        limits: Limits,
        refused: Counter[str],
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._limits = limits
        self._refused = refused
        self._phase = BETWEEN
        self._taken = 0  # bytes of the request that is being read; of what is thrown away
        self._held = b""
        self._upgrades = False
        self._farewell: bytes | None = None
        self._seen: tuple[object, object] = (None, None)
        self._seen_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin, with a flow that reads no further while requests wait."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless there is nothing more to be said."""
        self._taken += len(data)
        if self._phase is LEAVING:
            if self._taken > self._limits.most_bytes:
                self.transport.abort()
            else:  # nobody waits for this to be thrown away, and others for their answers
                self.flow.pause_reading()
                self.loop.call_later(BREATHER_S, self._read_on)
            return
        self._read(data)
        if self._taken > LARGEST_HEAD_BYTES:
            if self._phase is HEAD:
                self._refuse(HeadTooLarge(f"more than {LARGEST_HEAD_BYTES} bytes of headers"))
            elif self._phase is BODY and self._taken > self._limits.most_bytes:
                self._refuse(BodyTooLarge(f"more than {self._limits.most_bytes} bytes"))

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _read(self, data: bytes) -> None:
        """Parse slice by slice, until a request has to wait: what is behind it waits unread."""
        while data and self._phase is not LEAVING:
            if self.pipeline:
                self._held += data
                return
            if len(data) <= SLICE:
                data = self._parse(data)
            else:
                data = self._parse(data[:SLICE]) + data[SLICE:]

    def _parse(self, data: bytes) -> bytes:
        """Parse; return what is to be parsed once more, without its wish for an upgrade."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrades = False
            head = self._head_without_upgrade()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
            return head + data[upgrade.args[0] :]
        except httptools.HttpParserError as fault:
            cause = fault.__context__
            if cause is not None and not isinstance(cause, ProblemError):
                log.error("a request could not be read", exc_info=cause)
            self._refuse(cause if isinstance(cause, ProblemError) else NotHttp(str(fault)))
        return b""

    def _head_without_upgrade(self) -> bytes:
        """Return a head to be read anew: the parser takes what follows an upgrade for no body."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        kept = [pair for pair in self.headers if pair[0] != b"upgrade"]
        lines = [b"%b: %b\r\n" % pair for pair in kept]
        return b"".join([b"%b %b HTTP/%b\r\n" % (method, self.url, version), *lines, b"\r\n"])

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Note that a head begins; what ASGI wants of it is made when it goes there."""
        self._phase = HEAD
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; not a trailer, which would stand among the headers that were checked."""
        if self._phase is HEAD:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Go uvicorn's way, after a check."""
        parser, headers = self.parser, self.headers
        method, version = parser.get_method(), parser.get_http_version()
        check_head(method, self.url, version, headers, self._limits.largest_body_bytes)
        if parser.should_upgrade():
            self._upgrades = True
            return
        if self.transport.is_closing():
            raise NotHttp("the connection ends with the answer before")
        if len(self.pipeline) >= MOST_WAITING:
            raise NotHttp(f"more than {MOST_WAITING} requests wait for their answers")
        url = self.url
        super().on_message_begin()
        self.url, self.headers, self.scope["headers"] = url, headers, headers
        self.expect_100_continue = any(name == b"expect" for name, _ in headers)
        self._phase = BODY
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep a part of a body, unless its request is answered already."""
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """Note that a request is whole."""
        if not self._upgrades:
            self._phase = BETWEEN
            self._taken = 0
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Go on with whoever waits, or leave; uvicorn would set a timer for each answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._farewell is not None:
            self._leave(self._farewell)
        if self._held and not self.pipeline:
            held, self._held = self._held, b""
            self._read(held)

    # The end of a connection.

    def _refuse(self, problem: ProblemError) -> None:
        """Tell the problem once everything before it is answered, and read no other request."""
        if self.transport.is_closing():
            return
        self._refused[problem.code] += 1
        own = self.cycle if self._phase is BODY else None
        self._phase = LEAVING
        self._taken = 0
        words = refusal(problem, self.server_state.default_headers)
        if own is not None:
            if own.response_complete or getattr(own, "response_started", False):
                self.transport.close()
                return
            own.disconnected = own.response_complete = True
            own.message_event.set()
            if self.pipeline and self.pipeline[0][0] is own:
                self.pipeline.popleft()
                self._farewell = words
                return
        elif self.cycle is not None and not self.cycle.response_complete:
            self._farewell = words
            return
        self._leave(words)

    def _leave(self, words: bytes) -> None:
        """Say the last words, and wait for the client to go: closing now could take them back."""
        self._farewell = None
        self.transport.write(words)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """End as soon as what was asked is answered."""
        if self._phase is LEAVING and self._farewell is None:
            self.transport.abort()
        else:
            super().shutdown()

    # Time.

    def sweep(self, now_s: float, idle_s: float) -> None:
        """Look whether this connection does the same for too long; called about once a second."""
        doing, longest_s = self._doing(idle_s)
        seen = (doing, self.headers)
        if seen[0] is not self._seen[0] or seen[1] is not self._seen[1]:
            self._seen, self._seen_s = seen, now_s
        elif now_s - self._seen_s > longest_s:
            doing(self)

    def _doing(self, idle_s: float) -> tuple[Any, float]:
        """Return what is to be done about what this connection does, and after how long."""
        kind, cycle = type(self), self.cycle
        answering = cycle is not None and not cycle.response_complete
        if self.transport.is_closing():
            return kind._abort, LINGER_S
        if self.flow.write_paused:
            return kind._abort, UNREAD_S
        if self._phase is LEAVING:
            return kind._abort, inf if self._farewell is not None else LINGER_S
        if self._phase is BETWEEN:
            return kind._bid_farewell, inf if answering else idle_s
        if self.flow.read_paused:
            return kind._wait, inf
        return kind._hurry, self._limits.patience_s + self._taken / LEAST_BYTES_PER_S

    def _wait(self) -> None:
        """Do nothing: it is our turn."""

    def _hurry(self) -> None:
        seconds = f"{self._limits.patience_s:g}"
        self._refuse(TooSlow(f"a request has {seconds} seconds, and more only for a long body"))

    def _bid_farewell(self) -> None:
        self._refused["idle"] += 1
        self.transport.close()

    def _abort(self) -> None:
        self._refused["unread"] += 1
        self.transport.abort()


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
