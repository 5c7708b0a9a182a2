"""The evaluation as a page of Markdown: docs/quality.md is one."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from training.bootstrap import Estimate
from training.report import Kind, Report, Row

MEASURES: Final = {
    "ndcg@10": "NDCG@10",
    "recall@10": "Recall@10",
    "recall@50": "Recall@50",
    "mrr": "MRR",
}
BEYOND: Final = {
    "novelty": "novelty, bits",
    "ild": "diversity (ILD)",
    "serendipity": "serendipity",
    "miscalibration": "miscalibration",
}
OVER_ALL: Final = {
    "coverage": "coverage",
    "gini": "Gini",
    "popularity_lift": "popularity lift",
}
KINDS: Final[dict[Kind, str]] = {
    "source": "one source alone",
    "stage": "the pipeline, up to here",
    "peer": "a peer, as its authors made it",
    "helped peer": "a peer, given our recency weights",
}


def page(report: Report, picture: str | None = None) -> str:
    """Return the page; ``picture`` is where it lies, seen from the page."""
    lines = [
        f"# Quality: {report.data}",
        "",
        f"Written by `braid evaluate --peers --write`. {report.users} users. {report.protocol}.",
        "",
        *([f"![every measure]({picture})", ""] if picture else []),
        "## How well it hits",
        "",
        *_table(
            ["", "what it is", *MEASURES.values()],
            (
                [row.name, KINDS[row.kind], *(_interval(row.measures[name]) for name in MEASURES)]
                for row in report.rows
            ),
        ),
        "",
        *(_comparison(report)),
        "## Beyond hits",
        "",
        *_table(["", *BEYOND.values(), *OVER_ALL.values()], (_beyond(row) for row in report.rows)),
        "",
        "## By how much is known of the user (NDCG@10)",
        "",
        *_table(
            ["", *(f"{name} ({users} users)" for name, users in report.segments.items())],
            ([row.name, *map(_interval, row.segments.values())] for row in report.rows),
        ),
        "",
        "Cold users have fewer than 30 interactions in the training part, heavy ones 100 or more.",
        "",
        "## What the ranker gets to see",
        "",
        *_table(
            ["", "items a request", "recall", "offered by nobody else", "NDCG@10 at best"],
            (
                [
                    one.name,
                    f"{one.offered:.0f}",
                    *(f"{share:.3f}" for share in (one.recall, one.alone, one.best_ndcg_10)),
                ]
                for one in report.reach
            ),
        ),
        "",
        *_tuned(report),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _comparison(report: Report) -> Iterator[str]:
    for one in report.comparisons:
        apart = "do not overlap" if one.disjoint else "overlap"
        yield (
            f"* {one.measure}: *{one.ours}* is {one.lift.mean:.3f} times *{one.theirs}* (paired "
            f"{one.lift.low:.3f} to {one.lift.high:.3f}; the two intervals {apart})"
        )
    yield ""


def _tuned(report: Report) -> Iterator[str]:
    if not report.tuned:
        return
    yield "## What the peers' search found"
    yield ""
    yield (
        "Random search on a validation cut of the training part: the last fifth of each user's. "
        "Nobody's test interactions go to where the peers run."
    )
    yield ""
    yield from _table(
        ["", "trials", "NDCG@10, validation", "parameters"],
        (
            [
                one.name,
                f"{one.trials}",
                f"{one.validation_ndcg_10:.3f}",
                ", ".join(f"{name} {_plain(value)}" for name, value in one.parameters.items()),
            ]
            for one in report.tuned
        ),
    )


def _beyond(row: Row) -> list[str]:
    means = [row.measures[name].mean for name in BEYOND] + [row.over_all[name] for name in OVER_ALL]
    return [row.name, *(f"{mean:.3f}" for mean in means)]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _interval(value: Estimate) -> str:
    return f"{value.mean:.3f} ({value.low:.3f} to {value.high:.3f})"


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"
