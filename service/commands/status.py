"""`braid status`."""

import sys

from rich.table import Table

from service.commands._ready import ask_ready
from service.terminal.console import console

TIMEOUT_S = 2.0


def status(*, url: str = "http://127.0.0.1:8000") -> None:
    """Say how a running service is; exit 0 when it is ready, 1 when it is not.

    Parameters
    ----------
    url
        Where it listens.

    """
    readiness = ask_ready(url, TIMEOUT_S)
    table = Table(show_header=False)
    table.add_row("ready", "yes" if readiness.ready else "no")
    table.add_row("feature store", "connected" if readiness.store else "not connected")
    table.add_row("model", readiness.model_version)
    table.add_row("draining", "yes" if readiness.draining else "no")
    console.print(table)
    sys.exit(0 if readiness.ready else 1)
