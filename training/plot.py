"""The evaluation as a picture."""

from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluate import Report, Row

PANELS: Final = {
    "ndcg_10": "NDCG@10",
    "recall_50": "Recall@50",
    "coverage": "coverage of the catalogue",
    "ild": "intra-list diversity",
}
PLAIN: Final = "#9aa5b1"
BRAID: Final = "#2b6cb0"


def plot(report: Report, path: Path) -> Path:
    """Draw one panel of bars per measure into path, .png or .svg by its suffix; return path."""
    # A Figure of its own, without pyplot: no global state, so any thread may draw.
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    panels = figure.subplots(2, 2, sharey=True).flat
    for axes, (measure, title) in zip(panels, PANELS.items(), strict=True):
        _bars(axes, report.rows, measure, title)
    figure.suptitle(f"{report.data}: each step of the pipeline, {report.users} users")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    return path


def _bars(axes: Axes, rows: tuple[Row, ...], measure: str, title: str) -> None:
    """Draw one bar per step, top down in the pipeline's order."""
    values = [getattr(row, measure) for row in rows]
    colours = [BRAID if "ranker" in row.name else PLAIN for row in rows]
    bars = axes.barh([row.name for row in rows], values, color=colours)
    axes.bar_label(bars, fmt="%.3f", padding=3, fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.set_xlim(0, max([*values, 1e-9]) * 1.15)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
