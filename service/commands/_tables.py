"""An evaluation as tables for a terminal."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from training.bootstrap import Estimate
from training.offpolicy.check import OffPolicy
from training.report import Comparison, Report

MEASURES = {
    "recall@50": "R@50",
    "mrr": "MRR",
    "novelty": "bits",
    "ild": "ILD",
    "serendipity": "seren",
    "miscalibration": "KL",
}
"""Means over users by their names in the report, with short names for a terminal."""

OVER_ALL = {"coverage": "cover", "gini": "Gini"}


def of_report(report: Report) -> list[Table | Text]:
    """Return the table of recommenders, that of sources, and a line per comparison."""
    return [
        _recommenders(report),
        _reach(report),
        *(Text(sentence(one)) for one in report.comparisons),
    ]


def sentence(one: Comparison) -> str:
    """Say how ours compares with theirs."""
    apart = "apart" if one.disjoint else "overlapping"
    return (
        f"{one.measure}: {one.ours} is {one.lift.mean:.3f} x {one.theirs} "
        f"(paired {one.lift.low:.3f} to {one.lift.high:.3f}; their intervals are {apart})"
    )


def of_policies(checks: Sequence[OffPolicy]) -> Table:
    """Return what one policy's log says of the other, beside what that one earned, in per mille."""
    table = Table(title="Open Bandit sample: clicks per 1000 shown", title_justify="left")
    table.add_column("campaign")
    table.add_column("from the log of")
    table.add_column("rounds that count", justify="right")
    table.add_column("the value of")
    for name in ("on policy", *checks[0].estimates):
        table.add_column(name, justify="right", no_wrap=True)
    for one in checks:
        values = [one.on_policy, *one.estimates.values()]
        table.add_row(
            one.campaign,
            one.behaviour,
            f"{one.effective_rounds:.0f} of {one.rounds}",
            one.target,
            *(_interval(value, 1000, 1) for value in values),
        )
    return table


def _recommenders(report: Report) -> Table:
    table = Table(title=f"{report.data}: {report.users} users", title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("NDCG@10", justify="right", no_wrap=True)
    for short in (*MEASURES.values(), *OVER_ALL.values(), *report.segments):
        table.add_column(short, justify="right", no_wrap=True)
    kind = None
    for row in report.rows:
        if kind not in (None, row.kind):
            table.add_section()
        kind = row.kind
        table.add_row(
            row.name,
            _interval(row.measures["ndcg@10"], 1, 3),
            *(f"{row.measures[name].mean:.3f}" for name in MEASURES),
            *(f"{row.over_all[name]:.3f}" for name in OVER_ALL),
            *(f"{row.segments[name].mean:.3f}" for name in report.segments),
        )
    return table


def _reach(report: Report) -> Table:
    table = Table(title="What the ranker gets to see", title_justify="left")
    for name in ("", "items", "recall", "nobody else's", "NDCG@10 at best"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for one in report.reach:
        shares = (one.recall, one.alone, one.best_ndcg_10)
        table.add_row(one.name, f"{one.offered:.0f}", *(f"{share:.3f}" for share in shares))
    return table


def _interval(value: Estimate, factor: float, digits: int) -> str:
    mean, low, high = (factor * one for one in (value.mean, value.low, value.high))
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
