"""Slates and their timing as a person reads them in a terminal."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

BAR_WIDTH = 48


def slate_table(title: str, answer: dict[str, Any]) -> Table:
    """Return a slate as a table; ``answer`` is the decoded JSON of a slate."""
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column(justify="right")
    table.add_column("title")
    table.add_column("genres")
    table.add_column("score", justify="right")
    table.add_column("source")
    table.add_column("reason", overflow="fold")
    for place, item in enumerate(answer["items"], 1):
        properties = item["properties"]
        table.add_row(
            str(place),
            Text(str(properties.get("title", item["item_id"]))),  # no markup: "[rec]" is a film
            Text(", ".join(map(str, properties.get("genre", [])))),
            f"{item['score']:.2f}",
            item["source"],
            Text(item["reason"]),
        )
    return table


def waterfall(server_timing: str) -> RenderableType:
    """Return a ``Server-Timing`` header as bars: the stages follow one another."""
    times = dict(_durations(server_timing))
    total = times.pop("total", sum(times.values()))
    cells_per_ms = BAR_WIDTH / total if total else 0.0
    rows = []
    before = 0.0
    for stage, took in times.items():
        lead = round(cells_per_ms * before)
        length = max(1, round(cells_per_ms * took))
        bar = " " * lead + "█" * length
        rows.append(Text.assemble(f"  {stage:<9}{took:7.3f} ms ", (bar, "cyan")))
        before += took
    rows.append(Text(f"  {'total':<9}{total:7.3f} ms"))
    return Group(*rows)


def degraded_lines(answer: dict[str, Any]) -> list[str]:
    """Return one line for each stage that fell back."""
    return [
        f"  [yellow]degraded:[/] {part['stage']} ({part['reason']})\n"
        for part in answer["degraded"]
    ]


def _durations(server_timing: str) -> list[tuple[str, float]]:
    """Return (stage, milliseconds) pairs of a ``Server-Timing`` header."""
    pairs = []
    for part in server_timing.split(","):
        name, _, duration = part.strip().partition(";dur=")
        pairs.append((name, float(duration)))
    return pairs
