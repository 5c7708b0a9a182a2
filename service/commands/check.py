"""`braid check`."""

import sys
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.table import Table

from features.trust import Trust
from ranking.artifact import read_both
from ranking.surfaces import SurfacesRejected
from service.artifacts import locate
from service.errors import SettingInvalid
from service.state import Serving
from service.surfaces.file import load
from service.surfaces.trial import Tried, askers, try_out
from service.terminal.bars import Bars
from service.terminal.console import console, warnings


def check(*, surfaces: Path | None = None, artifact: Path = Path("artifacts")) -> None:
    """Try a file of surfaces on a model: every surface, variant, and function of your own.

    Exit 0 when all of them may be served, 1 when one may not.

    Parameters
    ----------
    surfaces
        The TOML file; without it Braid's own surfaces are tried.
    artifact
        An artifact, or a folder of artifacts, of which the newest is taken.

    """
    snapshot, stored = read_both(locate(artifact))
    serving = Serving.of(snapshot, near_cache_mib=0, trust=Trust())
    try:
        found = load(surfaces)
        serving.plans.check(found)
        plans = serving.plans.make(found)
    except SurfacesRejected as fault:
        raise SettingInvalid(f"{surfaces}: {fault}") from None
    people = askers(stored)
    with Bars(warnings) as bars:
        tried = []
        for done, plan in enumerate(plans):
            bars("check", done, len(plans))
            tried.append(try_out(plan, serving, people))
        bars("check", len(plans), len(plans))
    console.print(_table(tried, snapshot.version))
    for one in tried:
        for complaint in one.faults:
            console.print(f"[red]{_name(one)}:[/] {escape(complaint)}", highlight=False)
    sys.exit(1 if any(one.faults for one in tried) else 0)


def _table(tried: list[Tried], version: str) -> Table:
    table = Table(title=f"Surfaces on {version}", title_justify="left")
    for column in ("surface", "sources"):
        table.add_column(column, no_wrap=column == "surface")
    for column in ("items", "ms p50", "ms max"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("could not keep")
    for one in tried:
        slowest = [f"{np.median(one.ms):.2f}", f"{one.ms.max():.2f}"] if len(one.ms) else ["", ""]
        fewest, most = (int(one.items.min()), int(one.items.max())) if len(one.items) else (0, 0)
        table.add_row(
            _name(one),
            escape(", ".join(one.plan.sources)),
            str(most) if fewest == most else f"{fewest}-{most}",
            *slowest,
            escape(", ".join(f"{rule} ({times}x)" for rule, times in one.relaxed.most_common())),
        )
    return table


def _name(tried: Tried) -> str:
    plan = tried.plan
    return plan.name if plan.variant == "control" else f"{plan.name}, {plan.variant}"
