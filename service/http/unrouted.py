"""Errors that reached no endpoint of ours: no such route, no such method, a bug in a page."""

import logging

from litestar import Response
from litestar.exceptions import HTTPException

from service.http.endpoint import AnyRequest, new_request_id
from service.http.problems import CONTENT_TYPE, NotServed, ProblemError, ServerFault, document

log = logging.getLogger("braid")


def refuse(_: AnyRequest, fault: HTTPException) -> Response[bytes]:
    """Answer what Litestar refused as a problem document."""
    problem = NotServed(fault.status_code, f"{fault.detail}; the routes are listed at /schema")
    return _reply(problem, dict(fault.headers or {}))


def fail(request: AnyRequest, fault: Exception) -> Response[bytes]:
    """Answer a bug as a problem document; the log has the trace."""
    log.error("%s failed", request.scope["path"], exc_info=fault)
    return _reply(ServerFault("the server's log has the trace"), {})


def _reply(problem: ProblemError, headers: dict[str, str]) -> Response[bytes]:
    body = document(problem, new_request_id())
    return Response(body, status_code=problem.status, media_type=CONTENT_TYPE, headers=headers)
