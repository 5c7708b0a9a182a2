"""Errors that reached no endpoint of ours: no such route, no such method, a bug in a page."""

import logging

from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from service.http.endpoint import new_request_id
from service.http.problems import CONTENT_TYPE, NotServed, ProblemError, ServerFault, document

AnyRequest = Request[None, None, State]  # Litestar cannot read a `type` alias

log = logging.getLogger("braid")


def refuse(_: AnyRequest, fault: HTTPException) -> Response[bytes]:
    """Answer what Litestar refused as a problem document."""
    detail = f"{fault.detail}; the routes are listed at /schema"
    return _reply(NotServed(fault.status_code, detail, fault.headers or {}))


def fail(request: AnyRequest, fault: Exception) -> Response[bytes]:
    """Answer a bug as a problem document; the log has the trace."""
    log.error("%s failed", request.scope["path"], exc_info=fault)
    return _reply(ServerFault("the server's log has the trace"))


def _reply(problem: ProblemError) -> Response[bytes]:
    body = document(problem, new_request_id())
    headers = dict(problem.headers)
    return Response(body, status_code=problem.status, media_type=CONTENT_TYPE, headers=headers)
