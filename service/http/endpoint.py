"""What every POST has in common: read, decode, answer, encode, time, count; no bare 500."""

import logging
import os
import time
from collections.abc import Awaitable, Callable

from litestar import Request, Response
from litestar.datastructures import State as LitestarState

from service.desk import Desk
from service.http import problems
from service.http.body import BodyDecoder
from service.http.problems import BodyTooLarge, NotJson, ProblemError, ServerFault
from service.observe.spans import Trace

AnyRequest = Request[None, None, LitestarState]  # Litestar cannot read a `type` alias
type Respond[T] = Callable[[T, str, Trace], Awaitable[object]]
"""Answers a decoded request: (request, request id, trace) -> a struct to encode."""

# A client that is still sending when the connection closes never sees the answer; so a body that
# is too large is read on to this many times the limit, and thrown away.
DISCARDED = 32

log = logging.getLogger("braid")


class Endpoint[T]:
    """One route of one event loop."""

    def __init__(self, desk: Desk, route: str, target: type[T], respond: Respond[T]) -> None:
        self._desk = desk
        self._route = route
        self._decode = BodyDecoder(target, desk.settings.largest_body_bytes)
        self._respond = respond

    async def __call__(self, request: AnyRequest) -> Response[bytes]:
        """Answer, whatever comes."""
        trace = Trace()
        request_id = new_request_id()
        try:
            wanted = self._decode(await self._read(request))
            answer = await self._respond(wanted, request_id, trace)
            return self._reply(trace, request_id, 200, self._desk.encoder.encode(answer))
        except ProblemError as problem:
            return self._refuse(trace, request_id, problem)
        except Exception:
            log.exception("request %s to %s failed", request_id, self._route)
            fault = ServerFault(f"report request id {request_id}; the server's log has the trace")
            return self._refuse(trace, request_id, fault)

    async def _read(self, request: AnyRequest) -> bytes:
        kind = request.headers.get("content-type", "application/json").partition(";")[0]
        if kind.strip() != "application/json":
            raise NotJson(f"the content type is {kind!r}; send application/json", "$")
        largest = self._desk.settings.largest_body_bytes
        chunks: list[bytes] = []
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= largest:
                chunks.append(chunk)
            elif size > DISCARDED * largest:
                break
        if size > largest:
            raise BodyTooLarge(f"more than the {largest} bytes that are read; send less", "$")
        return b"".join(chunks)

    def _refuse(self, trace: Trace, request_id: str, problem: ProblemError) -> Response[bytes]:
        body = problems.document(problem, request_id)
        reply = self._reply(trace, request_id, problem.status, body, problems.CONTENT_TYPE)
        reply.headers.update(problem.headers)
        return reply

    def _reply(
        self,
        trace: Trace,
        request_id: str,
        status: int,
        body: bytes,
        media_type: str = "application/json",
    ) -> Response[bytes]:
        headers = {"x-request-id": request_id, "server-timing": trace.server_timing()}
        if self._desk.lifecycle.draining:
            headers["connection"] = "close"  # so that clients go of their own accord
        self._desk.recorder.record(self._route, status, trace)
        for stage, reason in trace.degraded:
            self._desk.recorder.record_degraded(stage, reason)
        return Response(body, status_code=status, media_type=media_type, headers=headers)


def new_request_id() -> str:
    """Return 32 hexadecimal digits that sort by time: 48 bits of milliseconds, 80 of chance."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"
