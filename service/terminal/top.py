"""A running service's figures as a person reads them in a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from service.terminal.top_figures import Figures, Times


def frame(shown: Figures, url: str, state: str) -> RenderableType:
    """Return one picture of the service; ``state`` is what it says of its readiness."""
    head = Text.assemble(
        (f"Braid {url}", "bold"),
        f"  {shown.model or 'no model'}  ",
        (state, "green" if state == "ready" else "bold red"),
        f"  up {_age(shown.up_s)}",
    )
    over = f"{shown.seconds:.0f}" if shown.seconds >= 1 else f"{shown.seconds:.1f}"
    rate = Text(f"{shown.requests:.1f} requests/s over {over} s", "bold")
    return Group(head, rate, _stages(shown.stages), _others(shown))


def _stages(stages: list[Times]) -> RenderableType:
    if not stages:
        return Text("\nNo request was answered meanwhile.\n", "dim")
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("stage", no_wrap=True)
    for name in ("p50 ms", "p95 ms", "p99 ms", "/s"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in stages:
        style = "bold" if one.name == "total" else ""
        quantiles = (_ms(value) for value in (one.p50_ms, one.p95_ms, one.p99_ms))
        table.add_row(one.name, *quantiles, f"{one.per_s:.1f}", style=style)
    return Group("", table, "")


def _ms(value: float) -> str:
    """Return hundredths where they matter; a wide number would push out the others."""
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _others(shown: Figures) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, rates in (
        ("failed", shown.failed),
        ("degraded", shown.degraded),
        ("refused", shown.refused),
        ("turned away", shown.turned_away),
    ):
        table.add_row(name, _rates(rates))
    table.add_row("queue", f"{shown.waiting} wait, {shown.limit} may")
    table.add_row("effort", _shares(shown.effort))
    table.add_row("near cache", _near(shown))
    table.add_row("helpers", _helpers(shown))
    table.add_row("event to effect", _quantiles(shown.effect))
    table.add_row("GC", f"{_quantiles(shown.collections)}, {shown.collecting:.1%} of the time")
    table.add_row("store", _breakers(shown.breakers))
    return table


def _rates(rates: dict[str, float]) -> Text:
    if not rates:
        return Text("none", "dim")
    most_first = sorted(rates.items(), key=lambda one: -one[1])
    return Text(", ".join(f"{name} {rate:.1f}/s" for name, rate in most_first), "yellow")


def _shares(shares: dict[str, float]) -> Text:
    words = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    return Text(words or "no slates", "dim" if not words else "" if "full" in shares else "yellow")


def _near(shown: Figures) -> Text:
    hits = "no rows read" if shown.near_hits is None else f"{shown.near_hits:.1%} hits"
    if shown.near_trusted:
        return Text(hits)
    return Text(f"{hits}; not trusted: rows are read from the store", "yellow")


def _helpers(shown: Figures) -> str:
    threads = "" if shown.threads is None else f", {shown.threads:.2f} threads each"
    busy = f"{shown.helpers_busy} of {shown.helpers} busy"
    return f"{busy}; {shown.in_flight} requests in flight{threads}"


def _quantiles(times: Times | None) -> str:
    if times is None:
        return "none"
    return f"{times.per_s:.1f}/s, p50 {times.p50_ms:.1f} ms, p99 {times.p99_ms:.1f} ms"


def _breakers(states: dict[str, int]) -> Text:
    there = {state: count for state, count in states.items() if count}
    words = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in there.items())
    return Text(words or "no connections", "" if [*there] == ["closed"] else "bold red")


def _age(seconds: float) -> str:
    minutes, hours, days = (int(seconds // unit) for unit in (60, 3600, 86400))
    if minutes < 1:
        return f"{seconds:.0f} s"
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h" if days < 1 else f"{days} d"
