"""`braid explain`."""

from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from service.commands.models import URL, ask
from service.errors import Mendable
from service.terminal.console import console
from service.terminal.explain import explanation

DEADLINE_MS = 10_000
"""Who asks for an explanation can wait: what a hurry leaves out would be missing in it."""


def explain(
    user: str | None = None,
    /,
    *,
    session: tuple[str, ...] = (),
    surface: str = "home",
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=200))] = 5,
    filter: str | None = None,  # noqa: A002  it is the flag's name
    why_not: tuple[str, ...] = (),
    columns: Annotated[int, Parameter(validator=Number(gte=1))] = 5,
    url: str = URL,
) -> None:
    """Ask a running service for a slate, and show how it came about.

    Parameters
    ----------
    user
        The user's id; without one, `--session` says what was looked at.
    session
        Items of this visit, latest first.
    surface
        Where it would be shown.
    limit
        Items wanted.
    filter
        Which items may be shown.
    why_not
        Items of which to tell what became of them.
    columns
        Contributions shown per item.
    url
        Where the service listens.

    """
    if user is None and not session:
        raise Mendable("name a user, or what was looked at: --session ID")
    wanted: dict[str, Any] = {
        "session": session,
        "surface": surface,
        "limit": limit,
        "deadline_ms": DEADLINE_MS,
        "debug": True,
        "why_not": why_not,
    }
    wanted |= {"user_id": user} if user is not None else {}
    wanted |= {"filter": filter} if filter is not None else {}
    answer = ask(url, "POST", "/v1/recommendations", wanted)
    for part in explanation(answer, columns):
        console.print(part)
