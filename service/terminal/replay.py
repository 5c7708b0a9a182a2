"""Two runs of one request side by side, as a person reads them in a terminal."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from service.terminal.explain import stages


def side_by_side(found: dict[str, Any]) -> Iterator[RenderableType]:
    """Yield what there is to see of a replay: decoded JSON of its answer."""
    before, after = found["recorded"], found["replayed"]
    overlap = found["overlap"]
    yield Columns([_waterfall("recorded", before), _waterfall("replayed", after)])
    if overlap is None:
        yield Text("  The recorded slate was not kept.", "yellow")
    elif overlap["same"]:
        yield Text("  The same slate.", "green")
    else:
        yield Text(
            f"  Jaccard {overlap['jaccard']:.2f}, "
            f"rank-biased overlap {overlap['rank_biased']:.2f}; "
            f"{len(overlap['entered'])} entered, {len(overlap['left'])} left, "
            f"{len(overlap['moved'])} moved"
        )
    yield _slates(before["slate"], after["slate"])
    yield Text(
        f"  As recorded: {', '.join(found['as_recorded'])}. As of now: "
        f"{', '.join(found['as_of_now'])}.",
        "dim",
    )


def _waterfall(title: str, side: dict[str, Any]) -> RenderableType:
    bars = stages(side["stages"], side["total_ms"])
    return Group(Text(f"  {title}, {side['model_version'] or 'no slate'}", "bold"), bars)


def _slates(before: dict[str, Any] | None, after: dict[str, Any]) -> Table:
    """Return a row per place; what only one slate has is marked, and where from others came."""
    items = before["items"] if before else []
    table = Table(header_style="bold")
    table.add_column(justify="right")
    for title in ("recorded", "replayed"):
        table.add_column(title)
        table.add_column("score", justify="right")
        table.add_column()
    was = {item["item_id"]: place for place, item in enumerate(items, 1)}
    now = {item["item_id"] for item in after["items"]}
    for place, (left, right) in enumerate(zip_longest(items, after["items"]), 1):
        table.add_row(
            str(place),
            *_cells(left, "left" if left and left["item_id"] not in now else ""),
            *_cells(right, _came(right, place, was)),
        )
    return table


def _came(item: dict[str, Any] | None, place: int, was: dict[str, int]) -> str:
    if item is None:
        return ""
    before = was.get(item["item_id"])
    if before is None:
        return "entered"
    return "" if before == place else f"from {before}"


def _cells(item: dict[str, Any] | None, mark: str) -> tuple[Text, str, Text]:
    if item is None:
        return Text(), "", Text()
    title = str(item["properties"].get("title", item["item_id"]))
    return Text(title), f"{item['score']:.2f}", Text(mark, "yellow")
