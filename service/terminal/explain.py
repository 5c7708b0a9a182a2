"""An explanation as a person reads it in a terminal."""

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from service.terminal.show import waterfall


def explanation(answer: dict[str, Any], columns: int) -> Iterator[RenderableType]:
    """Yield what there is to see of a debugged answer: decoded JSON, ``columns`` parts per item."""
    debug = answer["debug"]
    yield Text(
        f"Request {answer['request_id']}, model {answer['model_version']}, "
        f"surface {answer['surface']} ({answer['variant']}), seed {debug['seed']}"
    )
    last = debug["stages"][-1]
    yield stages(debug["stages"], last["start_ms"] + last["ms"])
    yield Text(f"  {_threads(debug['stages'])}")
    yield Text(
        f"  {debug['found']} candidates found, {debug['scored']} scored; "
        f"{debug['near']} rows in memory, {debug['missed']} read"
    )
    yield _sources(debug)
    if debug["masks"]:
        yield _masks(debug)
    yield _items(answer)
    yield from _scores(answer, columns)
    if debug["relaxed"]:
        yield Text(f"  rules that could not be kept: {', '.join(debug['relaxed'])}", "yellow")
    for fate in debug["why_not"]:
        yield Text.assemble((f"  {fate['item_id']} ", "bold"), f"{fate['stage']}: {fate['reason']}")


def stages(spans: list[dict[str, Any]], total_ms: float) -> RenderableType:
    """Return stages as bars that follow one another, and what they took in all."""
    times = [(one["stage"], one["ms"]) for one in spans]
    return waterfall(", ".join(f"{name};dur={ms}" for name, ms in (*times, ("total", total_ms))))


def _threads(spans: list[dict[str, Any]]) -> str:
    waits = [f"{one['stage']} {one['wait_ms']:.3f} ms" for one in spans if one["wait_ms"]]
    shared = [f"{one['stage']} {one['threads']}" for one in spans if one["threads"] > 1]
    return f"waited: {', '.join(waits) or 'nowhere'}; threads: {', '.join(shared) or 'one'}"


def _sources(debug: dict[str, Any]) -> Table:
    table = Table(title="Sources", title_justify="left", header_style="bold")
    for name in ("source", "offered", "alone", "kept", "shared with"):
        table.add_column(name, justify="left" if name in ("source", "shared with") else "right")
    for one in debug["sources"]:
        shared = [f"{name} {count}" for name, count in one["shared"].items() if count]
        counts = (str(one[name]) for name in ("offered", "alone", "kept"))
        table.add_row(Text(one["source"]), *counts, Text(", ".join(shared)))
    return table


def _masks(debug: dict[str, Any]) -> Table:
    table = Table(title="Kept away", title_justify="left", header_style="bold")
    table.add_column("mask")
    table.add_column("items", justify="right")
    table.add_column("by it alone", justify="right")
    for one in debug["masks"]:
        table.add_row(one["mask"], str(one["blocks"]), str(one["alone"]))
    return table


def _items(answer: dict[str, Any]) -> Table:
    table = Table(title="Slate", title_justify="left", header_style="bold")
    table.add_column(justify="right")
    table.add_column("title")
    table.add_column("score", justify="right")
    table.add_column("by score", justify="right")
    table.add_column("moved by")
    table.add_column("offered by (place)")
    for shown, item in _pairs(answer):
        offers = ", ".join(f"{one['source']} ({one['place']})" for one in item["provenance"])
        table.add_row(
            str(item["place"]),
            _title(shown),
            f"{shown['score']:.2f}",
            str(item["place_by_score"]),
            Text(item["moved_by"]),
            Text(offers),
        )
    return table


def _scores(answer: dict[str, Any], columns: int) -> Iterator[Text]:
    """Yield what made each score: lines, since a table would break names at 80 columns."""
    yield Text("What made the scores", "italic")
    for shown, item in _pairs(answer):
        yield Text.assemble(f"  {item['place']} ", _title(shown))
        for attribution in item["attributions"]:
            yield Text(_parts(item, attribution, columns))


def _parts(item: dict[str, Any], attribution: dict[str, Any], columns: int) -> str:
    largest = list(attribution["contributions"].items())[:columns]
    rest = attribution["score"] - attribution["base"] - sum(part for _, part in largest)
    lines = [f"{part:+.3f} {name} = {item['features'][name]:g}" for name, part in largest]
    head = f"{attribution['objective']} ({attribution['method']}), base {attribution['base']:.3f}"
    return "\n      ".join((f"    {head}", *lines, f"{rest:+.3f} all others"))


def _pairs(answer: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each item as it was shown, and as it came about."""
    return zip(answer["items"], answer["debug"]["items"], strict=True)


def _title(shown: dict[str, Any]) -> Text:
    return Text(str(shown["properties"].get("title", shown["item_id"])))
