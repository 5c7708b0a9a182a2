"""`braid experiment report`, `braid experiment export`."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.markup import escape
from rich.table import Table

from features.client import connect
from features.events import Event
from features.exposures import Exposure
from ranking.experiments import shares_of
from ranking.surfaces import SurfacesRejected, parse
from service.errors import Mendable
from service.settings import check_address
from service.terminal.bars import Bars
from service.terminal.console import console, warnings
from training.experiments.estimate import CONFIDENCE, Estimate
from training.experiments.report import METRICS, Report
from training.experiments.report import report as evaluate
from training.experiments.sources import (
    EVENTS,
    EXPOSURES,
    ExportMissing,
    exported,
    stored,
    stored_events,
    stored_exposures,
)
from training.experiments.sources import (
    export as write,
)
from training.experiments.tally import tally

type Url = Annotated[
    str | None, Parameter(help="URL of the feature store (docs/redis.md).", validator=check_address)
]

experiment = App(
    name="experiment", help="Report what came of an experiment, or export its records."
)


@experiment.command
def report(
    salt: str | None = None,
    /,
    *,
    redis: Url = None,
    folder: Path | None = None,
    surfaces: Path | None = None,
    goal: Annotated[tuple[str, ...], Parameter(negative="")] = ("click",),
    confidence: Annotated[float, Parameter(validator=Number(gt=0, lt=1))] = CONFIDENCE,
    cuped: bool = False,
    bootstrap: bool = False,
    seed: int = 0,
    json: bool = False,
) -> None:
    """Compare the arms of an experiment: figures, lift over control, and how sure they are.

    Parameters
    ----------
    salt
        The experiment's; needed where records of several are found.
    folder
        Read exposures and events from this folder (`braid experiment export`), not from Redis.
    surfaces
        The file of surfaces that is served: with it the arms' sizes are checked.
    goal
        What counts: a type of event, or the name of a custom one; may be given several times.
    confidence
        Of the intervals.
    cuped
        Adjust means by what users did before, for narrower intervals.
    bootstrap
        Draw users anew 2,000 times for the lifts' intervals, instead of the delta method.
    seed
        Of the bootstrap: the same one gives the same intervals.
    json
        Print the report as JSON instead of tables.

    """
    exposures, events = _records(redis, folder)
    chosen = _chosen(salt, exposures)
    shares = _shares(surfaces, chosen) if surfaces is not None else None
    with warnings.status("Comparing the arms"):
        mine = (one for one in exposures if one.experiment == chosen)
        result = evaluate(
            chosen,
            tally(mine, events, frozenset(goal)),
            goal,
            shares,
            confidence=confidence,
            cuped=cuped,
            bootstrap_seed=seed if bootstrap else None,
        )
    if json:
        print(msgspec.json.encode(result).decode())  # noqa: T201  for a program, so not by rich
        return
    for table in _tables(result):
        console.print(table)
    for caution in result.cautions:
        console.print(f"[yellow]Note:[/] {escape(caution)}.")


@experiment.command
def export(folder: Path, /, *, redis: Annotated[str, Parameter(validator=check_address)]) -> None:
    """Write the exposures and events that Redis holds into a folder, as JSON lines.

    Parameters
    ----------
    folder
        Gets exposures.jsonl and events.jsonl; what they held is replaced.
    redis
        URL of the feature store (docs/redis.md).

    """
    with Bars(warnings) as bars, connect(redis) as client:
        slates, taken = stored(client)
        shown = write(folder, EXPOSURES, bars.along(EXPOSURES, stored_exposures(client), slates))
        done = write(folder, EVENTS, bars.along(EVENTS, stored_events(client), taken))
    console.print(f"Wrote {shown} exposures and {done} events into {escape(str(folder))}")


def _records(redis: str | None, folder: Path | None) -> tuple[list[Exposure], list[Event]]:
    if folder is not None and redis is None:
        try:
            with Bars(warnings) as bars:
                shown = list(bars.along(EXPOSURES, exported(folder, EXPOSURES, Exposure)))
                return shown, list(bars.along(EVENTS, exported(folder, EVENTS, Event)))
        except ExportMissing as fault:
            raise Mendable(str(fault)) from fault
    if redis is None or folder is not None:
        raise Mendable("say where the records are: --redis URL, or --folder of an export")
    with Bars(warnings) as bars, connect(redis) as client:
        slates, taken = stored(client)
        shown = list(bars.along(EXPOSURES, stored_exposures(client), slates))
        return shown, list(bars.along(EVENTS, stored_events(client), taken))


def _chosen(salt: str | None, exposures: list[Exposure]) -> str:
    """Return the experiment meant."""
    found = Counter(one.experiment for one in exposures)
    if salt is None and len(found) == 1:
        return next(iter(found))
    if salt is None or salt not in found:
        known = ", ".join(f"{name} ({count} slates)" for name, count in sorted(found.items()))
        raise Mendable(
            f"no record is of {salt!r}; there are {known or 'none at all'}"
            if salt is not None
            else f"say which experiment: there are {known or 'no records at all'}"
        )
    return salt


def _shares(path: Path, salt: str) -> dict[str, float]:
    """Return the arms' shares of users, as a file of surfaces sets them."""
    try:
        surfaces = parse(path.read_text())
    except SurfacesRejected as fault:
        raise Mendable(f"{path}: {fault}") from fault
    for surface in surfaces.by_name.values():
        if surface.experiment is not None and surface.experiment.salt == salt:
            return shares_of(surface.experiment)
    raise Mendable(f"{path} has no experiment of the salt {salt!r}")


def _tables(found: Report) -> list[Table]:
    table = Table(title=f"{found.experiment}: {', '.join(found.goals)}", title_justify="left")
    for column in ("arm", "users", "slates", *METRICS):
        table.add_column(column, justify="left" if column == "arm" else "right")
    for arm in found.arms:
        figures = (_figure(arm.metrics[metric], "{:.4f}") for metric in METRICS)
        table.add_row(escape(arm.name), str(arm.users), str(arm.slates), *figures)
    tables = [table]
    if any(arm.lifts for arm in found.arms):
        title = f"Lift over control, {found.confidence:.0%} intervals by the {found.method}"
        lifts = Table(title=title, title_justify="left")
        for column in ("arm", "metric", "lift", "interval", "p"):
            lifts.add_column(column, justify="left" if column in ("arm", "metric") else "right")
        for arm in found.arms:
            for metric, lift in arm.lifts.items():
                cells = _figure(lift.relative, "{:+.1%}"), _interval(lift.relative), _p(lift.p)
                lifts.add_row(escape(arm.name), metric, *cells)
        tables.append(lifts)
    if found.interleaving:
        drafted = Table(title="Interleaving: users who prefer the variant", title_justify="left")
        for column in ("arm", "prefer it", "prefer control", "neither", "share", "interval", "p"):
            drafted.add_column(column, justify="left" if column == "arm" else "right")
        for name, one in found.interleaving.items():
            counts = map(str, (one.wins, one.losses, one.ties))
            share = _figure(one.share, "{:.1%}"), _interval(one.share), _p(one.p)
            drafted.add_row(escape(name), *counts, *share)
        tables.append(drafted)
    return tables


def _figure(estimate: Estimate, form: str) -> str:
    return "?" if estimate.value is None else form.format(estimate.value)


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return "?"
    return f"{estimate.low:+.1%} to {estimate.high:+.1%}"


def _p(p: float | None) -> str:
    return "?" if p is None else f"{p:.3f}" if p >= 0.001 else "< 0.001"
