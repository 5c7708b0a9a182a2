"""The reference pages that are written from the code: `python -m tests.docs.reference` writes them.

The metrics are those of a service that runs: one of a small world, with an embedded Valkey.
"""

import ast
import io
import re
import tempfile
from collections.abc import Iterable, Iterator
from inspect import getdoc
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from prometheus_client.core import Metric
from rich.console import Console

import service.settings
from service.app import Service
from service.http import problems
from service.http.openapi import document
from service.running import running
from service.settings import Settings
from tests.training.worlds import small_world
from training.train import train

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
WRITTEN = "<!-- Written by `python -m tests.docs.reference`; do not edit. -->"
COMPUTED = {"CORES": "the cores", "max(CORES - 1, 0)": "the cores less one"}
BOUNDS = {"gte": "≥", "gt": ">", "lte": "≤", "lt": "<"}


def table(*columns: str) -> str:
    return f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"


def row(*cells: str) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', '\\|').split()) for cell in cells)} |\n"


def settings_page() -> str:
    """Return every setting: flag, variable, type and range, default, meaning."""
    text = (
        f"# Settings\n\n{WRITTEN}\n\nEach is a flag of `braid serve`, else a variable of the "
        "environment. A value that cannot be is refused at start-up, with the name of the setting."
        "\n\n"
    )
    text += table("flag and variable", "type", "default", "what it is")
    hints = get_type_hints(Settings, include_extras=True)
    tree = ast.parse(Path(service.settings.__file__).read_text())
    [body] = [one.body for one in tree.body if isinstance(one, ast.ClassDef)]
    for here, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(here, ast.AnnAssign):
            continue
        assert isinstance(here.target, ast.Name)
        assert isinstance(after, ast.Expr), f"{here.target.id} has no docstring"
        assert isinstance(after.value, ast.Constant)
        name = here.target.id
        text += row(
            f"`--{name.replace('_', '-')}`<br>`BRAID_{name.upper()}`",
            _type(hints[name]),
            _default(here.value),
            re.sub(r"\(docs/(\w+\.md)\)", r"([\1](../\1))", str(after.value.value)),
        )
    return text


def _type(hint: Any) -> str:
    bounds = ""
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        for validator in (one for extra in extras for one in getattr(extra, "validator", ())):
            bounds += "".join(
                f", {sign} {bound:,}"
                for name, sign in BOUNDS.items()
                if (bound := getattr(validator, name, None)) is not None
            )
    if get_origin(hint) in (Union, UnionType):
        [hint] = (one for one in get_args(hint) if one is not NoneType)
    if get_origin(hint) is tuple:
        return "str, repeated"
    if get_origin(hint) is Literal:
        return ", ".join(f"`{one}`" for one in get_args(hint))
    return f"{'path' if hint is Path else hint.__name__}{bounds}"


def _default(value: ast.expr | None) -> str:
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        [value] = (one.value for one in value.keywords if one.arg == "default")
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "Path":
        value = value.args[0]
    assert value is not None
    source = ast.unparse(value)
    if source in COMPUTED:
        return COMPUTED[source]
    found = eval(source, {})  # noqa: S307  an expression of our own settings
    return "" if found in (None, ()) else f"`{str(found).lower()}`"


def metrics_page(running: Service) -> str:
    """Return every metric of a service: name as scraped, type, labels, help."""
    text = (
        f"# Metrics\n\n{WRITTEN}\n\n"
        "`GET /metrics` answers in Prometheus' text format, or in OpenMetrics with "
        "the ids of requests as exemplars where the `Accept` header asks for it. Times are in "
        "seconds. A histogram has the series `_bucket`, `_sum` and `_count`. Each loop counts for "
        "itself, without a lock; the counts are added up when they are scraped.\n\n"
    )
    text += table("metric", "type", "labels", "what it is")
    found = sorted(running._exposition._registry.collect(), key=lambda one: one.name)
    for metric in found:
        if metric.name.startswith("braid_"):
            text += _metric(metric)
    text += "\nAnd of the process and its interpreter, as `prometheus_client` counts them:\n\n"
    text += table("metric", "type", "labels", "what it is")
    for metric in found:
        if not metric.name.startswith("braid_"):
            text += _metric(metric)
    return text


def _metric(metric: Metric) -> str:
    labels: Iterable[str] = getattr(metric, "_labelnames", None) or {
        label for sample in metric.samples for label in sample.labels if label != "le"
    }
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    named = ", ".join(f"`{label}`" for label in sorted(labels))
    return row(f"`{name}`", metric.type, named, metric.documentation)


def problems_page() -> str:
    """Return every problem document that a client may get."""
    text = (
        f"# Problems\n\n{WRITTEN}\n\nAn error is `application/problem+json` (RFC 9457): `type` is "
        "`urn:braid:problem:` and the code, `detail` says what is wrong here, `path` where in the "
        "body, and `request_id` is the one to tell us.\n\n"
    )
    text += table("status", "code", "title", "whose fault, and what", "headers")
    found = [(getattr(one, "status", 404), one.code, one) for one in _kinds(problems.ProblemError)]
    for status, code, kind in sorted(found, key=lambda one: one[:2]):
        told = str(status) if hasattr(kind, "status") else "404, 405"
        headers = ", ".join(f"`{name}: {value}`" for name, value in kind.headers.items())
        text += row(told, f"`{code}`", kind.title, (getdoc(kind) or "").split("\n\n")[0], headers)
    return text


def _kinds(kind: type[problems.ProblemError]) -> Iterator[type[problems.ProblemError]]:
    for one in kind.__subclasses__():
        if one.__module__ == problems.__name__:
            yield one
            yield from _kinds(one)


def api_page() -> str:
    """Return every route: what it takes, gives, and may refuse."""
    text = (
        f"# The API\n\n{WRITTEN}\n\n"
        "A service shows its own document at `/schema`, with every field and a form "
        "to try it; `/schema/openapi.json` is the document itself (OpenAPI 3.1), from which a "
        "client in any language can be made. What a route may refuse is in "
        "[problems](problems.md); what a key must have, in [access](../access.md).\n\n"
    )
    text += table("route", "what", "scope", "body", "answer", "statuses")
    paths = document("")["paths"]
    for path, methods in paths.items():
        for method, told in methods.items():
            body = told.get("requestBody", {}).get("content", {}).get("application/json", {})
            answer = told["responses"]["200"].get("content", {}).get("application/json", {})
            keys = {
                scope
                for one in told.get("security", ())
                for granted in one.values()
                for scope in granted
            }
            text += row(
                f"`{method.upper()} {path}`",
                told["summary"],
                ", ".join(sorted(keys)),
                _named(body),
                _named(answer),
                " ".join(sorted(told["responses"])),
            )
    return text


def _named(content: dict[str, Any]) -> str:
    reference: str = content.get("schema", {}).get("$ref", "")
    return f"`{reference.rsplit('/', 1)[-1]}`" if reference else ""


def pages(running: Service) -> dict[str, str]:
    """Return each page's text by its name."""
    return {
        "settings.md": settings_page(),
        "metrics.md": metrics_page(running),
        "problems.md": problems_page(),
        "api.md": api_page(),
    }


def main() -> None:
    """Write the pages."""
    with tempfile.TemporaryDirectory() as folder:
        train(small_world(), Path(folder))
        made = Settings(artifact=Path(folder), port=0)
        with running(made, Console(file=io.StringIO())) as one:
            for name, text in pages(one).items():
                (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
