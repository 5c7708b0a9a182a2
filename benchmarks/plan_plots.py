"""The pictures of docs/capacity.md."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.plots import COLOURS, SIZE, replicas


def _fleet(axes: Axes, results: Any) -> None:
    """Draw p99 over time in each trouble."""
    for colour, one in zip(COLOURS, results["troubles"], strict=False):
        axes.plot(one["windows_s"], one["windows_p99_ms"], color=colour, label=one["case"])
    axes.set(
        yscale="log",
        xlabel="seconds",
        ylabel="p99 in ms",
        title=f"100,000 requests/s on {results['troubles'][0]['machines']} machines, simulated",
    )
    axes.legend(fontsize=7)


def _cost(axes: Axes, results: Any) -> None:
    """Bars of dollars per million requests."""
    names = [one["name"] for one in results["costs"]]
    dollars = [one["dollars"] for one in results["costs"]]
    colours = [COLOURS[0] if name.startswith("braid") else COLOURS[2] for name in names]
    axes.barh(range(len(names)), dollars, color=colours)
    for place, value in enumerate(dollars):
        axes.text(value, place, f"  {value:.3f}", va="center", fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set(xlabel="dollars a million requests (W1)", title="Cost, by CPU seconds measured")


def _hits(axes: Axes, results: Any) -> None:
    """Draw hits against the share of the catalogue that fits."""
    for colour, one in zip(COLOURS, results["hits"], strict=False):
        shares = [key for key in one if key != "skew"]
        axes.plot(
            [100 * float(share) for share in shares],
            [100 * one[share] for share in shares],
            marker="o",
            markersize=3,
            color=colour,
            label=f"Zipf {one['skew']:g}",
        )
    axes.set(
        xlabel="% of the catalogue that fits",
        ylabel="% of the rows near",
        title="Near cache, a million items, by the skew of what is asked for",
    )
    axes.legend(fontsize=7)


def draw_all(results: Any, folder: Path) -> None:
    """Draw each into the folder, as capacity-NAME.svg."""
    pictures: dict[str, Callable[[Axes, Any], None]] = {
        "replicas": lambda axes, results: replicas(axes, results["checked"]),
        "fleet": _fleet,
        "cost": _cost,
        "hits": _hits,
    }
    for name, paint in pictures.items():
        figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
        paint(axes, results)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(folder / f"capacity-{name}.svg", metadata={"Date": None})
        plt.close(figure)
