"""`braid keys`, `braid keys new NAME`, `braid keys revoke NAME`."""

import getpass
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Table

from service.access import audit as audit_log
from service.access.file import KeysRejected, changing, load, save
from service.access.rate import Rate
from service.access.record import NAME, Record
from service.access.scope import Scope
from service.errors import Mendable
from service.terminal.console import console

keys = App(name="keys", help="List the API keys, make one, or revoke one.")

type Keys = Annotated[Path, Parameter(help="The file of keys that the service is given.")]
type Audit = Annotated[Path | None, Parameter(help="The audit log, where it is a file.")]


@keys.command(name="list")
@keys.default
def show(*, keys: Keys) -> None:
    """List the API keys, make one, or revoke one."""
    table = Table()
    for column in ("name", "id", "scopes", "rate", "created", "expires"):
        table.add_column(column, overflow="fold")
    now = datetime.now(UTC)
    try:
        records = load(keys)
    except KeysRejected as fault:
        remedy = "" if keys.exists() else "; `braid keys new NAME --scope read` makes it"
        raise Mendable(f"{keys} {fault}{remedy}") from None
    for one in records:
        expired = one.expires is not None and one.expires <= now
        table.add_row(
            one.name,
            one.id,
            " ".join(sorted(one.scopes)),
            one.rate or "",
            f"{one.created:%Y-%m-%d}",
            f"{'[red]' if expired else ''}{one.expires:%Y-%m-%d %H:%M}" if one.expires else "",
        )
    console.print(table)


@keys.command
def new(
    name: str,
    /,
    *,
    scope: Annotated[list[Scope], Parameter(negative=())],
    keys: Keys,
    expires: timedelta | None = None,
    rate: str | None = None,
    audit: Audit = None,
) -> None:
    """Make a key and print it, once: the file has only a hash.

    Parameters
    ----------
    name
        Whose it is, as logs and metrics call it.
    scope
        read: slates and metrics. write: events, items, users. admin: models, requests, replays.
        None of them includes another; repeat the flag for more.
    expires
        When it ends, from now: 90d, 12h.
    rate
        How often it may ask, in each process: 100/s, 600/min or 5000/h.

    """
    if not re.match(NAME, name):
        raise Mendable(f"{name!r} is no name: letters, digits, `.`, `_` and `-`, up to 64")
    until = datetime.now(UTC).replace(microsecond=0) + expires if expires else None
    try:
        if rate is not None:
            Rate.parse(rate)
        with changing(keys) as records:
            if any(one.name == name for one in records):
                raise Mendable(
                    f"{keys} has a key {name!r}; revoke it first, or choose another name"
                )
            record, text = Record.make(name, frozenset(scope), expires=until, rate=rate)
            save(keys, [*records, record])
    except (KeysRejected, ValueError) as fault:
        raise Mendable(
            f"{keys} {fault}" if isinstance(fault, KeysRejected) else f"{fault}"
        ) from None
    _note(audit, "made", f"{name}: {' '.join(sorted(record.scopes))}")
    console.print(f"The key {name}, shown this once:", highlight=False)
    console.print(text, highlight=False, soft_wrap=True)


@keys.command
def revoke(name: str, /, *, keys: Keys, audit: Audit = None) -> None:
    """Take a key away; services that follow the file refuse it within a second or two.

    Parameters
    ----------
    name
        As `braid keys list` shows it.

    """
    try:
        with changing(keys) as records:
            left = [one for one in records if one.name != name]
            if len(left) == len(records):
                raise Mendable(f"{keys} has no key {name!r}")
            save(keys, left)
    except KeysRejected as fault:
        raise Mendable(f"{keys} {fault}") from None
    _note(audit, "revoked", name)
    console.print(f"Revoked {escape(name)}")


def _note(path: Path | None, outcome: str, what: str) -> None:
    """Note in the audit log who ran this."""
    if path is not None:
        who = f"{getpass.getuser()} (command line)"
        line = audit_log.Line(datetime.now(UTC), "keys", outcome, who, what)
        audit_log.append(path, [line])
