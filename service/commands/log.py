"""`braid log export`."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Table

from features.client import connect
from service.errors import Mendable
from service.settings import check_address
from service.terminal.bars import Bars
from service.terminal.console import console
from training.datasets.errors import DataError
from training.logs.export import Exported, export

log = App(name="log", help="Export the service's logs to Parquet.")


@log.command(name="export")
def export_(
    *,
    into: Path,
    redis: Annotated[
        str, Parameter(help="URL of the feature store (docs/redis.md).", validator=check_address)
    ],
) -> None:
    """Bring a folder of Parquet files up to now: events, slates, and features as served.

    Run it again and again: each time it goes on where it ended, also where it was killed.

    Parameters
    ----------
    into
        The folder; one below it for each log.

    """
    try:
        with Bars(console) as bars, connect(redis) as client:
            found = export(client, into, bars)
    except DataError as fault:
        raise Mendable(str(fault)) from fault
    console.print(_table(found))
    for name, one in found.items():
        if one.gap:
            console.print(
                f"[yellow]{name}:[/] a stream had dropped entries that an export had reached; some "
                "behind them may be missing. Export more often."
            )


def _table(found: dict[str, Exported]) -> Table:
    table = Table("log", "new entries", "files", "unreadable")
    for name, one in found.items():
        table.add_row(name, f"{one.entries}", f"{one.files}", f"{one.unreadable}")
    return table
