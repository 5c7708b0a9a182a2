"""`braid models`, `braid models activate VERSION`, `braid models rollback`."""

import json
from typing import Any

from cyclopts import App
from rich.markup import escape
from rich.table import Table

from service.commands._connection import fetch
from service.errors import Mendable
from service.terminal.console import console, warnings

URL = "http://127.0.0.1:8000"
TIMEOUT_S = 300.0
"""A large model is read, verified and tried before the answer comes."""

models = App(name="models", help="List the versions of the model, activate one, or go back.")


@models.default
def show(*, url: str = URL) -> None:
    """List the versions of the model, activate one, or go back.

    Parameters
    ----------
    url
        Where a replica listens.

    """
    known = ask(url, "GET", "/v1/models")
    table = Table(title=f"Models, as {known['replica']} knows them", title_justify="left")
    for column in ("version", "", "served by", "refused"):
        table.add_column(column, overflow="fold")
    for one in known["versions"]:
        refused = [f"{refusal['replica']}: {refusal['reason']}" for refusal in one["refused_by"]]
        table.add_row(
            escape(one["version"]),
            ", ".join(word for word in ("active", "previous") if one[word])
            or ("" if one["published"] else "not in the folder"),
            escape("\n".join(one["served_by"])),
            escape("\n".join(refused)),
        )
    console.print(table)
    if not known["pointer"]:
        console.print("[yellow]Redis does not answer:[/] what other replicas serve is not known.")


@models.command
def activate(version: str, /, *, url: str = URL) -> None:
    """Verify and try a version, then have every replica serve it.

    Parameters
    ----------
    version
        As `braid models` lists it.
    url
        Where the replica listens that tries it first.

    """
    with warnings.status(f"{escape(version)} is verified and tried"):
        now = ask(url, "POST", "/v1/models/activate", {"version": version})
    console.print(f"Serving {now['active']}; {_way_back(now)}")


@models.command
def rollback(*, url: str = URL) -> None:
    """Have every replica serve the version before.

    Parameters
    ----------
    url
        Where a replica listens.

    """
    now = ask(url, "POST", "/v1/models/rollback", {})
    console.print(f"Serving {now['active']} again")


def _way_back(now: dict[str, Any]) -> str:
    if now["previous"] is None:
        return "there is no other to go back to"
    return f"`braid models rollback` goes back to {now['previous']}"


def ask(url: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask a replica.

    Raises:
        Mendable: it is not there, or it refused; the message says why.
    """
    words = None if body is None else json.dumps(body).encode()
    status, reply = fetch(url, method, path, TIMEOUT_S, words)
    try:
        answer = json.loads(reply)
        if status == 200:
            return answer
        refusal = f"{answer['title']}: {answer['detail']}"
    except ValueError, KeyError, TypeError:
        raise Mendable(f"{url} answers {status} as Braid does not; what listens there?") from None
    hint = "; BRAID_KEY names the key" if status in {401, 403} else ""
    raise Mendable(f"{refusal}{hint}")
