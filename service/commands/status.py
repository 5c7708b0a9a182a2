"""`braid status`."""

import http.client
import json
import sys

from rich.table import Table

from service.commands._connection import connect
from service.errors import Mendable
from service.terminal.console import console

TIMEOUT_S = 2.0


def status(*, url: str = "http://127.0.0.1:8000") -> None:
    """Say how a running service is; exit 0 when it is ready, 1 when it is not.

    Parameters
    ----------
    url
        Where it listens.

    """
    connection = connect(url, TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        readiness = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise Mendable(f"{url}: {fault}; is `braid serve` running there?") from fault
    finally:
        connection.close()
    table = Table(show_header=False)
    table.add_row("ready", "yes" if readiness["ready"] else "no")
    table.add_row("feature store", "connected" if readiness["store"] else "not connected")
    table.add_row("model", readiness["model_version"])
    table.add_row("draining", "yes" if readiness["draining"] else "no")
    console.print(table)
    sys.exit(0 if readiness["ready"] else 1)
