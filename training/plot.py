"""The evaluation as a picture."""

from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.report import Report, Row

PANELS: Final = {
    "ndcg@10": "NDCG@10",
    "recall@50": "Recall@50",
    "ild": "intra-list diversity",
    "miscalibration": "miscalibration (KL)",
}
COLOURS: Final = {
    "source": "#9aa5b1",
    "stage": "#2b6cb0",
    "peer": "#c05621",
    "helped peer": "#dd9c6f",
}


def plot(report: Report, path: Path) -> Path:
    """Draw one panel of bars per measure into path, .png or .svg by its suffix; return path.

    The whiskers are the 95 % intervals.
    """
    # A Figure of its own, without pyplot: no global state, so any thread may draw.
    figure = Figure(figsize=(11, 3.0 + 0.42 * len(report.rows)), layout="constrained")
    panels = figure.subplots(2, 2, sharey=True).flat
    for axes, (measure, title) in zip(panels, PANELS.items(), strict=True):
        _bars(axes, report.rows, measure, title)
    figure.suptitle(f"{report.data}: each source, each stage and each peer, {report.users} users")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    return path


def _bars(axes: Axes, rows: tuple[Row, ...], measure: str, title: str) -> None:
    """Draw one bar per row, top down in the report's order."""
    found = [row.measures[measure] for row in rows]
    whiskers = [[one.mean - one.low for one in found], [one.high - one.mean for one in found]]
    axes.barh(
        [row.name for row in rows],
        [one.mean for one in found],
        xerr=whiskers,
        color=[COLOURS[row.kind] for row in rows],
        error_kw={"linewidth": 0.8, "ecolor": "#2d3748"},
    )
    highest = max([*(one.high for one in found), 1e-9])
    for place, one in enumerate(found):
        axes.text(one.high + 0.02 * highest, place, f"{one.mean:.3f}", va="center", fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.set_xlim(0, highest * 1.18)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
