"""`braid top`."""

from collections import deque
from contextlib import suppress
from time import monotonic, sleep, time
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from service.commands._connection import fetch
from service.commands._ready import ask_ready
from service.commands.models import URL
from service.errors import Mendable
from service.terminal.console import console
from service.terminal.top import frame
from service.terminal.top_change import Change, Reading
from service.terminal.top_figures import figures

TIMEOUT_S = 5.0

type Seconds = Annotated[float, Parameter(validator=Number(gte=0.1, lte=3600))]


def top(
    *, url: str = URL, interval_s: Seconds = 1.0, over_s: Seconds = 10.0, once: bool = False
) -> None:
    """Watch a running service: requests, stages, what fell back, queue, threads; Ctrl-C ends it.

    The key in BRAID_KEY needs the scope read.

    Parameters
    ----------
    url
        Where the service listens.
    interval_s
        Between two pictures.
    over_s
        Rates and quantiles are those of so many seconds before.
    once
        Print one picture, of one interval, and end; so it is where there is no terminal, too.

    """
    readings = deque([_read(url)], maxlen=1 + max(1, round(over_s / interval_s)))
    if once or not console.is_terminal:
        sleep(interval_s)
        console.print(_next(readings, url))
        return
    waiting = Text(f"{url}: counting ...", "dim")
    with suppress(KeyboardInterrupt), Live(waiting, console=console, screen=True) as live:
        shown: RenderableType = waiting
        while True:
            sleep(interval_s)
            try:
                shown = _next(readings, url)
                live.update(shown, refresh=True)
            except Mendable as fault:  # it may be restarting: what was last known stays
                live.update(Group(Text(str(fault), "bold red"), shown), refresh=True)


def _next(readings: deque[Reading], url: str) -> RenderableType:
    """Return a picture of the time since the oldest reading; it takes one more."""
    readings.append(_read(url))
    ready = ask_ready(url, TIMEOUT_S)
    state = "ready" if ready.ready else "draining" if ready.draining else "not ready"
    return frame(figures(Change(readings[0], readings[-1]), time()), url, state)


def _read(url: str) -> Reading:
    """Return a reading of the metrics page.

    Raises:
        Mendable: nobody answers, or with something else.
    """
    status, body = fetch(url, "GET", "/metrics", TIMEOUT_S)
    if status in {401, 403}:
        raise Mendable(f"{url} wants a key with the scope read; BRAID_KEY names the key")
    try:
        if status != 200:
            raise ValueError(status)
        return Reading.parse(body.decode(), monotonic())
    except ValueError:
        raise Mendable(f"{url} answers {status} as Braid does not; what listens there?") from None
