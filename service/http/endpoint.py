"""What every hot route has in common: decode, answer, encode, time, count; no bare 500."""

import logging
import os
import time
from collections.abc import Awaitable, Callable

from service.desk import Desk
from service.door import Headers, Pass
from service.http import problems
from service.http.asgi import Receive, Scope, Send
from service.http.body import BodyDecoder, read
from service.http.contract import Operation
from service.http.problems import NotJson, NotServed, ProblemError, ServerFault
from service.http.reply import HeaderLines, Reply
from service.observe.flight import Flight
from service.observe.spans import Trace

type Respond[T] = Callable[[T, str, Trace], Awaitable[object]]
"""Answers a decoded request: (request, request id, trace) -> a struct to encode."""

JSON = b"application/json"
PROBLEM = problems.CONTENT_TYPE.encode()
CLOSE = (b"connection", b"close")
_ANYBODY = b"0" * 32
MOST_AUDITED = 500
"""What an operator asked for is noted up to here: a version, or a request and its changes."""

log = logging.getLogger("braid")


class Endpoint[T]:
    """One route of one event loop: an ASGI app, and for `protocol` the part behind the reading."""

    def __init__(
        self,
        desk: Desk,
        operation: Operation[T],
        respond: Respond[T],
        flight: Flight | None = None,
    ) -> None:
        """Answer requests of one path and method; keep them where there is a ``flight``."""
        self._desk = desk
        self._door = desk.door
        self._flight = flight
        self._reports = desk.reports
        self._operation = operation
        self._audit = desk.audit if operation.scope == "admin" else None
        self.path = operation.path
        self.method: str = operation.method
        self.allow: str = operation.method
        self.only_reads = operation.scope == "read"
        self._decode = BodyDecoder(operation.request, desk.settings.largest_body_bytes)
        self._encode = desk.encoder.encode
        self._respond = respond
        self._refusals: dict[str, tuple[HeaderLines, list[bytes]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ASGI has it; a client that leaves before its request is whole gets nothing."""
        headers: Headers = scope["headers"]
        try:
            if scope["method"] != self.method:
                detail = f"{self.path} answers {self.allow}, not {scope['method']}"
                raise NotServed(405, detail, {"allow": self.allow})
            entry = await self._enter(headers)
        except ProblemError as problem:
            reply = self._refuse(problem, Trace(), new_request_id())
        else:
            found = await self._answer_body(entry, headers, receive)
            if found is None:
                return
            reply = found
        start = {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
        await send(start)
        await send({"type": "http.response.body", "body": reply.body})

    def turn_away(self, of_server: HeaderLines) -> bytes | None:
        """Return the whole refusal for whom there is no room, and None where there is.

        As `answer` would refuse, from bytes that are made once for each ``of_server``, which are
        new each second: what is refused nine times as often as anything is answered must not take
        its time (docs/decisions/0024-overload.md).
        """
        problem = self._door.refusal(self._operation.priority)
        if problem is None or self._desk.lifecycle.draining:
            return None
        known_for, parts = self._refusals.get(problem.detail, (None, []))
        if known_for is of_server:
            self._desk.recorder.requests[self.path, problem.status] += 1
        else:
            reply = self._refuse(problem, Trace(), _ANYBODY.decode())
            reply.headers[:] = [pair for pair in reply.headers if pair[0] != b"server-timing"]
            parts = reply.on_the_wire(of_server).split(_ANYBODY)
            self._refusals[problem.detail] = of_server, parts
        return new_request_id().encode().join(parts)

    async def answer(self, headers: Headers, kind: bytes, body: bytes | bytearray) -> Reply:
        """Answer a whole body of the content type ``kind``, whatever comes."""
        try:
            entry = await self._enter(headers)
        except ProblemError as problem:
            return self._refuse(problem, Trace(), new_request_id())
        return await self._answer(entry, headers, kind, body)

    async def _answer_body(self, entry: Pass, headers: Headers, receive: Receive) -> Reply | None:
        """Read the body of a request that was let in, and answer it; None where nobody waits."""
        try:
            body = await read(receive, self._desk.settings.largest_body_bytes)
            if body is None:
                return None
            kind = [value for name, value in headers if name == b"content-type"]
            return await self._answer(entry, headers, kind[0] if kind else JSON, body)
        except ProblemError as problem:
            return self._refuse(problem, Trace(), new_request_id())

    async def _enter(self, headers: Headers) -> Pass:
        entry = self._door.enter(headers, self._operation.scope, self._operation.priority)
        return entry if isinstance(entry, Pass) else await entry

    async def _answer(
        self, entry: Pass, headers: Headers, kind: bytes, body: bytes | bytearray
    ) -> Reply:
        trace = Trace()
        trace.caller = entry.caller
        trace.expire_in(min(entry.deadline_ms, self._desk.settings.longest_deadline_ms))
        request_id = new_request_id()
        if self._reports is not None:
            self._reports.begin(trace, headers, request_id)
        try:
            if (turn := self._door.turn(entry)) is not None:
                with trace.span("queue"):
                    await turn
        except ProblemError as problem:
            return self._refuse(problem, trace, request_id)
        self._door.begin()
        try:
            return await self._work(entry, kind, body, trace, request_id)
        finally:
            self._door.end()

    async def _work(
        self, entry: Pass, kind: bytes, body: bytes | bytearray, trace: Trace, request_id: str
    ) -> Reply:
        wanted: T | None = None
        answer: object = None
        try:
            if kind != JSON and kind.partition(b";")[0].strip() != JSON:
                found = kind.decode("latin-1")
                raise NotJson(f"the content type is {found!r}; send application/json", "$")
            wanted = self._decode(body)
            answer = await self._respond(wanted, request_id, trace)
            reply = self._reply(200, JSON, self._encode(answer), trace, request_id)
        except ProblemError as problem:
            reply = self._refuse(problem, trace, request_id)
        except Exception as raised:
            log.exception("request %s to %s failed", request_id, self.path)
            trace.fault = type(raised).__name__
            fault = ServerFault(f"report request id {request_id}; the server's log has the trace")
            reply = self._refuse(fault, trace, request_id)
        if self._audit is not None:
            asked = bytes(body[:MOST_AUDITED]).decode(errors="replace")
            outcome = f"{reply.status}"
            self._audit.note(
                self.path, outcome, who=entry.caller, what=asked, request_id=request_id
            )
        if self._flight is not None:
            reply.behind.append(
                self._flight.record(request_id, self.path, reply.status, body, trace, answer)
            )
        if self._reports is not None:
            self._reports.end(
                request_id, self.method, self.path, reply.status, trace, wanted, answer
            )
        reply.behind.append(wanted)
        return reply

    def _refuse(self, problem: ProblemError, trace: Trace, request_id: str) -> Reply:
        trace.fault = trace.fault or problem.code
        body = problems.document(problem, request_id)
        more = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
        return self._reply(problem.status, PROBLEM, body, trace, request_id, more)

    def _reply(
        self,
        status: int,
        kind: bytes,
        body: bytes,
        trace: Trace,
        request_id: str,
        more: list[tuple[bytes, bytes]] | None = None,
    ) -> Reply:
        headers = [
            (b"content-type", kind),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", request_id.encode()),
            (b"server-timing", trace.server_timing().encode()),
        ]
        if (link := trace.link) is not None and (link.sampled or link.parent_id):
            headers.append((b"traceresponse", link.header()))
        if more:
            headers += more
        if self._desk.lifecycle.draining and CLOSE not in headers:
            headers.append(CLOSE)  # so that clients go of their own accord
        self._desk.recorder.record(self.path, status, trace)
        return Reply(status, headers, body, CLOSE in headers)


def new_request_id() -> str:
    """Return 32 hexadecimal digits that sort by time: 48 bits of milliseconds, 80 of chance."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"
