"""`braid demo`: from nothing to three users' slates over real HTTP, and a service to play with."""

import http.client
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ranking.artifact import ArtifactRejected, read
from service.artifacts import locate
from service.commands._data import Data
from service.errors import DemoFailed
from service.logs.lines import lines
from service.running import running, wait_for_signal
from service.settings import Settings
from service.terminal.bars import Bars
from service.terminal.console import console
from service.terminal.show import degraded_lines, slate_table, waterfall
from training.train import train

USERS = ("196", "22", "405")
LIMIT = 10
WARM_UP_REQUESTS = 20
FOLDER = Path.home() / ".cache" / "braid" / "demo"


def demo(
    settings: Settings = Settings(),  # noqa: B008  frozen, so sharing it is safe
    *,
    once: bool = False,
    retrain: bool = False,
    folder: Path = FOLDER,
) -> None:
    """Train on MovieLens 100k, serve it, and show three users' slates.

    Parameters
    ----------
    once
        Exit 0 after the slates instead of serving on.
    retrain
        Learn a new model even if an earlier demo left one.
    folder
        Where the demo's artifacts are kept.

    """
    if retrain or not _usable(folder):
        console.print("[bold]MovieLens 100k[/]: fetching, then learning from 100,000 ratings")
        with Bars(console) as bars:
            train(Data().read(bars), folder, progress=bars)
    else:
        console.print(f"[bold]Model[/]: the one in {folder} (--retrain makes a new one)")
    settings = replace(settings, artifact=folder)
    with lines(settings.log_format), running(settings, console) as service:
        _show(service.url)
        if once:
            return
        console.print(
            f"\nServing on [bold]{service.url}[/] (API: {service.url}/schema, "
            f"metrics: {service.url}/metrics). Try:\n"
        )
        console.print(_curl(service.url), markup=False, highlight=False, soft_wrap=True)
        console.print("\nCtrl-C ends it.")
        wait_for_signal()
        console.print("Stopping: what was accepted is answered first.")


def _usable(folder: Path) -> bool:
    """Tell whether an earlier demo left a model that this version can serve."""
    try:
        read(locate(folder))
    except ArtifactRejected:
        return False
    return True


def _show(url: str) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        for _ in range(WARM_UP_REQUESTS):
            _ask(connection, USERS[0])
        for user in USERS:
            answer, timing = _ask(connection, user)
            console.print()
            console.print(slate_table(f"User {user}", answer))
            console.print(*degraded_lines(answer), sep="\n", end="")
            console.print(waterfall(timing))
    finally:
        connection.close()


def _ask(connection: http.client.HTTPConnection, user: str) -> tuple[dict[str, Any], str]:
    body = json.dumps({"user_id": user, "limit": LIMIT})
    connection.request("POST", "/v1/recommendations", body, {"content-type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    if response.status != 200:
        raise DemoFailed(f"user {user}: status {response.status}: {text.decode()}")
    return json.loads(text), response.headers["server-timing"]


def _curl(url: str) -> str:
    body = json.dumps({"user_id": USERS[0], "limit": LIMIT}, separators=(",", ":"))
    return (
        f"curl -sD- -XPOST {url}/v1/recommendations -d '{body}' -H 'content-type: application/json'"
    )
