"""`braid replay ID`."""

import tomllib
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from service.commands.models import URL, ask
from service.errors import Mendable
from service.terminal.console import console
from service.terminal.replay import side_by_side


def replay(
    request_id: str,
    /,
    *,
    model: str | None = None,
    changes: Annotated[tuple[str, ...], Parameter("--set")] = (),
    body: tuple[str, ...] = (),
    url: str = URL,
) -> None:
    """Run a recorded request again, and show the two slates side by side.

    Parameters
    ----------
    request_id
        As `GET /v1/requests` lists it; one query of a batch with `.0`, `.1` behind it.
    model
        The version to run it by; without it the one that serves.
    changes
        Settings of the surface, as TOML: --set rerank.diversity=0.9
    body
        Fields of the request, as TOML: --body limit=5
    url
        Where the replica listens that answered it.

    """
    wanted: dict[str, Any] = {
        "request_id": request_id,
        "surface": _table(changes, "--set"),
        "body": _table(body, "--body"),
    }
    wanted |= {"model_version": model} if model is not None else {}
    for part in side_by_side(ask(url, "POST", "/v1/replay", wanted)):
        console.print(part)


def _table(lines: Sequence[str], flag: str) -> dict[str, Any]:
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as fault:
        raise Mendable(
            f"{flag} takes TOML, such as {flag} limit=5 or {flag} surface='\"cart\"': {fault}"
        ) from None
