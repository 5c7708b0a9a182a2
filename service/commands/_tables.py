"""An evaluation as tables for a terminal."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from training.bootstrap import Estimate
from training.offpolicy.check import OffPolicy
from training.report import Comparison, Report

BEYOND = {
    "mrr": "MRR",
    "novelty": "bits",
    "ild": "ILD",
    "serendipity": "seren",
    "miscalibration": "KL",
}
"""Means over users by their names in the report, with short names for a terminal."""

OVER_ALL = {"coverage": "cover", "gini": "Gini"}


def of_report(report: Report) -> list[Table | Text]:
    """Return two tables of recommenders, that of sources, and a line per comparison."""
    return [
        _hits(report),
        _beyond(report),
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
    title = "Open Bandit sample: clicks per 1000 shown, by its own log and by the other policy's"
    table = _table(title, "of, by", "weight", "on policy", *checks[0].estimates)
    for one in checks:
        values = [one.on_policy, *one.estimates.values()]
        table.add_row(
            f"{one.campaign}:\n{one.target}, {one.behaviour}",
            f"{one.effective_rounds:.0f}\nrounds",
            *(_interval(value, 1000, 1, "\n") for value in values),
        )
    return table


def _hits(report: Report) -> Table:
    title = f"{report.data}: {report.users} users, NDCG@10 also by how much is known of them"
    table = _table(title, "", "NDCG@10", "R@50", *report.segments)
    for row in report.rows:
        segments = [row.segments[name].mean for name in report.segments]
        table.add_row(
            row.name,
            _interval(row.measures["ndcg@10"], 1, 3),
            *(f"{mean:.3f}" for mean in (row.measures["recall@50"].mean, *segments)),
        )
    return table


def _beyond(report: Report) -> Table:
    table = _table("Beyond hits", "", *BEYOND.values(), *OVER_ALL.values())
    for row in report.rows:
        means = [row.measures[name].mean for name in BEYOND]
        means += [row.over_all[name] for name in OVER_ALL]
        table.add_row(row.name, *(f"{mean:.3f}" for mean in means))
    return table


def _reach(report: Report) -> Table:
    heads = ("", "items", "recall", "alone", "NDCG@10 at best")
    table = _table("What the ranker gets to see", *heads)
    for one in report.reach:
        shares = (one.recall, one.alone, one.best_ndcg_10)
        table.add_row(one.name, f"{one.offered:.0f}", *(f"{share:.3f}" for share in shares))
    return table


def _table(title: str, first: str, *others: str) -> Table:
    """Return a table that fits into 80 columns: numbers to the right, nothing cut."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for head in others:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _interval(value: Estimate, factor: float, digits: int, between: str = " ") -> str:
    mean, low, high = (factor * one for one in (value.mean, value.low, value.high))
    return f"{mean:.{digits}f}{between}[{low:.{digits}f}, {high:.{digits}f}]"
