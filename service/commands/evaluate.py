"""`braid evaluate`."""

from pathlib import Path

import msgspec

from service.commands import _tables
from service.commands._data import Data
from service.errors import Mendable
from service.terminal.bars import Bars
from service.terminal.console import console, warnings
from training.contest import contest
from training.datasets.errors import DataError
from training.evaluate import evaluate as measure
from training.offpolicy.check import OffPolicy, check
from training.page import page
from training.plot import plot
from training.report import Report
from training.train import SEED


def evaluate(
    data: Data = Data(),  # noqa: B008  frozen, so sharing it is safe
    *,
    json: bool = False,
    picture: Path | None = None,
    write: Path | None = None,
    peers: bool = False,
    off_policy: bool = False,
    seed: int = SEED,
) -> None:
    """Measure what each step of the pipeline adds, on interactions it has not seen.

    Parameters
    ----------
    json
        Print the report as JSON instead of tables.
    picture
        Also draw it, into this PNG or SVG file.
    write
        Also write it as a page of Markdown, which shows the picture if there is one.
    peers
        Also have ALS, BPR, item-kNN, EASE and popularity recommend from the same split, each
        after a search for its parameters. It takes minutes.
    off_policy
        Instead, hold the off-policy estimators against a real logged experiment.
    seed
        The same data and seed give the same report.

    """
    try:
        with Bars(warnings) as bars:
            report: Report | list[OffPolicy]
            if off_policy:
                report = check(seed, bars)
            else:
                dataset = data.read(bars)
                lists = contest(dataset, seed, bars) if peers else None
                report = measure(dataset, seed, bars, lists)
    except DataError as fault:
        raise Mendable(str(fault)) from fault
    if isinstance(report, Report):
        if picture is not None:
            plot(report, picture)
        if write is not None:
            write.write_text(page(report, picture.name if picture else None))
    if json:
        print(msgspec.json.encode(report).decode())  # noqa: T201  for a program, so not by rich
    elif isinstance(report, Report):
        console.print(*_tables.of_report(report), sep="\n")
        console.print(report.protocol, style="dim")
    else:
        console.print(_tables.of_policies(report))
