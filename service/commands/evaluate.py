"""`braid evaluate`."""

from pathlib import Path

import msgspec
from rich.table import Table

from service.commands._data import Data
from service.terminal.bars import Bars
from service.terminal.console import console, warnings
from training.evaluate import Report
from training.evaluate import evaluate as measure
from training.plot import plot
from training.train import SEED

MEASURES = {
    "ndcg@10": "NDCG@10",
    "recall@10": "R@10",
    "recall@50": "R@50",
    "mrr": "MRR",
    "coverage": "cover",
    "novelty": "bits",
    "ild": "ILD",
}
"""Measures by their names in the report, with their short names for a terminal."""


def evaluate(
    data: Data = Data(),  # noqa: B008  frozen, so sharing it is safe
    *,
    json: bool = False,
    picture: Path | None = None,
    seed: int = SEED,
) -> None:
    """Measure what each step of the pipeline adds, on interactions it has not seen.

    Parameters
    ----------
    json: Print the report as JSON instead of a table.
    picture: Also draw it, into this PNG or SVG file.
    seed: The same data and seed give the same report.

    """
    with Bars(warnings) as bars:
        report = measure(data.read(bars), seed, bars)
    if picture is not None:
        plot(report, picture)
    if json:
        print(msgspec.json.encode(report).decode())  # noqa: T201  for a program, so not by rich
        return
    console.print(_table(report))
    console.print(report.protocol, style="dim")


def _table(report: Report) -> Table:
    """Return the report as a table; each step's NDCG beside what it adds to the one above."""
    table = Table(title=f"{report.data}: {report.users} users", title_justify="left")
    table.add_column("step", no_wrap=True)
    for short in MEASURES.values():
        table.add_column(short, justify="right", no_wrap=True)
    table.add_column("step adds", justify="right", no_wrap=True)
    before: float | None = None
    for row in report.rows:
        values = msgspec.to_builtins(row)
        adds = "" if before is None else f"{row.ndcg_10 - before:+.4f}"
        table.add_row(row.name, *(f"{values[name]:.3f}" for name in MEASURES), adds)
        before = row.ndcg_10
    return table
