"""The key asked for before a page that tells something; health and the API's document are open."""

from service.access.scope import Scope as Needed
from service.door import Door
from service.http import problems
from service.http.asgi import Asgi, Receive, Scope, Send
from service.http.endpoint import new_request_id
from service.http.problems import ProblemError

PAGES: dict[str, Needed] = {
    "console/choices": "read",
    "console/items": "read",
    "metrics": "read",
    "v1/experiments": "read",
    "v1/models": "read",
    "v1/requests": "admin",
}
"""What begins with one of these needs a key of that scope."""


class Guard:
    """Lets a request for a page through to ``pages``, an ASGI app, if its key allows it."""

    def __init__(self, door: Door, pages: Asgi) -> None:
        self._door = door
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ASGI has it."""
        try:
            await self._door.show(scope["headers"], needed(scope["path"]))
        except ProblemError as problem:
            await _refuse(problem, send)
        else:
            await self._pages(scope, receive, send)


def needed(path: str) -> Needed | None:
    """Return the scope that a page asks for, None where it asks nobody."""
    # As the router does it: more slashes than needed make no other page.
    parts = [part for part in path.split("/") if part]
    return PAGES.get("/".join(parts[:2])) or PAGES.get("/".join(parts[:1]))


async def _refuse(problem: ProblemError, send: Send) -> None:
    body = problems.document(problem, new_request_id())
    headers = [
        (b"content-type", problems.CONTENT_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        *((name.encode(), value.encode()) for name, value in problem.headers.items()),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
