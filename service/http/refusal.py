"""The last words of a connection: a problem document, and that it ends here."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.door import Headers
from service.http import problems
from service.http.endpoint import new_request_id
from service.http.problems import ProblemError


def refusal(problem: ProblemError, default_headers: Headers = ()) -> bytes:
    """Return a whole answer that tells the problem and closes."""
    request_id = new_request_id()
    body = problems.document(problem, request_id)
    headers = [
        *default_headers,
        (b"content-type", problems.CONTENT_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        *((name.encode(), value.encode()) for name, value in problem.headers.items()),
    ]
    if (b"connection", b"close") not in headers:
        headers.append((b"connection", b"close"))
    lines = [name + b": " + value + b"\r\n" for name, value in headers]
    return b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", body])
