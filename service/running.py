"""A service running in this process, with a store of its own where none is named."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import FrameType

import redis
from rich.console import Console

from ranking.artifact import read_store
from service.access.exposure import check_exposure
from service.app import Service
from service.artifacts import locate
from service.embedded import EmbeddedValkey
from service.load import load
from service.settings import Settings
from service.terminal.bars import Bars


@contextmanager
def running(settings: Settings, console: Console) -> Iterator[Service]:
    """Serve until the block ends; an embedded Valkey is filled first and stopped last."""
    check_exposure(settings)
    settings = replace(settings, artifact=locate(settings.artifact))
    with ExitStack() as stack:
        url = settings.redis
        if url is None:
            url = stack.enter_context(EmbeddedValkey()).url
            console.print(
                "[yellow]No --redis given:[/] an embedded Valkey keeps the features, in memory "
                "only, and goes when this process goes."
            )
            with Bars(console) as bars, redis.Redis.from_url(url) as client:
                load(client, read_store(settings.artifact), settings.history_cap, bars)
        service = Service(settings, url)
        stack.callback(service.stop)
        service.start()
        yield service


def wait_for_signal() -> None:
    """Return when the process is asked to end, by Ctrl-C or SIGTERM."""
    asked = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        asked.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
