"""The report's pictures, small and in SVG."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "braid"  # the same figures give the same file
mpl.rcParams["svg.fonttype"] = "none"

SIZE = (7.0, 3.6)
COLOURS = ("#0b6e4f", "#6bbf59", "#a3a3a3", "#d1495b", "#edae49", "#30638e")


def _rank_open(axes: Axes, results: Any) -> None:
    """Latency against load: a queue that a closed loop would hide."""
    for colour, one in zip(COLOURS, results["contestants"], strict=False):
        rates = [point["rate"] for point in one["open"]]
        p99 = [point["p99_ms"] for point in one["open"]]
        axes.plot(rates, p99, marker="o", markersize=3, label=one["name"], color=colour)
    axes.axhline(25, color="black", linewidth=0.6, linestyle=":")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="requests per second (open loop)",
        ylabel="p99 in ms",
        title="W1: p99 against load",
    )
    axes.legend(fontsize=7)


def _rank_closed(axes: Axes, results: Any) -> None:
    """Bars of p50 with a line up to p99."""
    names = [one["name"] for one in results["contestants"]]
    runs = [one["closed"]["1"] for one in results["contestants"]]
    places = range(len(names))
    axes.barh(places, [run["p50_ms"] for run in runs], color=COLOURS[: len(names)])
    for place, run in zip(places, runs, strict=True):
        axes.plot([run["p50_ms"], run["p99_ms"]], [place, place], color="black", linewidth=1)
        axes.text(
            run["p99_ms"],
            place,
            f"  {run['p50_ms']:.1f} / {run['p99_ms']:.1f}",
            va="center",
            fontsize=7,
        )
    axes.set_yticks(places, names, fontsize=7)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set(xlabel="ms: p50, line to p99", title="W1, one request at a time")


def _rank_stages(axes: Axes, results: Any) -> None:
    """Each Braid's stages one after the other."""
    for place, times in enumerate(results["stages_ms"].values()):
        before = 0.0
        for colour, (stage, took) in zip(COLOURS, times.items(), strict=False):
            if stage == "total":
                continue
            axes.barh(place, took, left=before, color=colour, label=None if place else stage)
            before += took
        axes.barh(place, max(0.0, times["total"] - before), left=before, color="#dddddd")
    axes.set_yticks(range(len(results["stages_ms"])), [*results["stages_ms"]], fontsize=7)
    axes.invert_yaxis()
    axes.set(
        xlabel="ms (median, from Server-Timing; grey: between the stages)", title="W1's stages"
    )
    axes.legend(fontsize=7, ncols=3)


def _crew_speed(axes: Axes, results: Any) -> None:
    """Speed-up of two threads against the number of rows."""
    scorers = dict.fromkeys(one["scorer"] for one in results["scoring"])
    for colour, scorer in zip(COLOURS, scorers, strict=False):
        mine = [one for one in results["scoring"] if one["scorer"] == scorer]
        axes.plot(
            [one["rows"] for one in mine],
            [one["speed_up"] for one in mine],
            marker="o",
            markersize=3,
            color=colour,
            label=scorer,
        )
    axes.axhline(1, color="black", linewidth=0.6, linestyle=":")
    axes.axhline(2, color="black", linewidth=0.6, linestyle=":")
    rows = sorted({one["rows"] for one in results["scoring"]})
    axes.set_xscale("log")
    axes.set_xticks(rows, map(str, rows))
    axes.minorticks_off()
    axes.set(
        xlabel="rows",
        ylabel="times as fast",
        title="Score stage: crew against one thread",
    )
    axes.legend(fontsize=7)


def _crew_load(work: str) -> Callable[[Axes, Any], None]:
    def draw(axes: Axes, results: Any) -> None:
        """Latency against load for the three rules."""
        for colour, (rule, points) in zip(
            COLOURS[::2], results["under_load"][work]["curves"].items(), strict=False
        ):
            loads = [100 * point["load"] for point in points]
            axes.plot(loads, [p["p99_ms"] for p in points], color=colour, label=f"{rule}, p99")
            axes.plot(
                loads, [p["p50_ms"] for p in points], color=colour, linestyle="--", linewidth=0.8
            )
        axes.set(
            yscale="log",
            xlabel="load in % of the serial capacity (dashed: p50)",
            ylabel="ms",
            title=f"{work}: parallelism under load",
        )
        axes.legend(fontsize=7)

    return draw


def _parallelism(axes: Axes, results: Any) -> None:
    """Draw time against the share of waiting, for the most sources."""
    most = max(case["sources"] for case in results["cases"])
    cases = [case for case in results["cases"] if case["sources"] == most]
    for colour, way in zip(COLOURS[::-1], cases[0]["ms"], strict=False):
        axes.plot(
            [100 * case["waiting"] for case in cases],
            [case["ms"][way] for case in cases],
            marker="o",
            markersize=3,
            color=colour,
            label=way,
        )
    axes.set(
        yscale="log",
        xlabel="% of a source's time that is waiting",
        ylabel="ms per request",
        title=f"{most} feature sources of {results['source_ms']:.0f} ms, {results['cores']} cores",
    )
    axes.legend(fontsize=7)


def _retrieval(axes: Axes, results: Any) -> None:
    """Every search of the largest catalogue."""
    largest = max(results["sizes"], key=lambda one: one["vectors"])
    took = dict(sorted(largest["ms"].items(), key=lambda pair: pair[1]))
    colours = [COLOURS[0] if name.startswith("braid") else COLOURS[2] for name in took]
    axes.barh(range(len(took)), [*took.values()], color=colours)
    axes.set_yticks(range(len(took)), [*took], fontsize=7)
    axes.set(
        xlabel="ms", title=f"Best {largest['k']} of {largest['vectors']:,} x 64, {largest['data']}"
    )


def _feast(axes: Axes, results: Any) -> None:
    """Bars of p50; from the near cache to Feast's server it is a matter of magnitudes."""
    p50 = {name: way["p50_ms"] for name, way in results["ways"].items()}
    colours = [COLOURS[0] if name.startswith("braid") else COLOURS[2] for name in p50]
    axes.barh(range(len(p50)), [*p50.values()], color=colours)
    for place, took in enumerate(p50.values()):
        axes.text(took, place, f"  {took:.4g}", va="center", fontsize=7)
    axes.set_yticks(range(len(p50)), [*p50], fontsize=7)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    title = f"{results['rows']} x {results['features']} features from one store"
    axes.set(xscale="log", xlabel="ms: p50, one request at a time", title=title)


def _memory(axes: Axes, results: Any) -> None:
    """Memory of the three ways."""
    ways = results["ways"]
    axes.bar([*ways], [way["pss_mib"] for way in ways.values()], color=COLOURS[:3])
    axes.set(ylabel="MiB (PSS)", title=f"A table of {results['table_mib']:.0f} MiB on two cores")


def _capacity(axes: Axes, results: Any) -> None:
    """Draw latency against load, measured as dots and predicted as lines."""
    for colours, (loops, found) in zip(
        (COLOURS[:2], COLOURS[3:5]), results["checked"].items(), strict=True
    ):
        rates = [point["rate"] for point in found["points"]]
        for colour, key in zip(colours, ("p50_ms", "p99_ms"), strict=True):
            label = f"{loops} loop(s), {key[:3]}"
            told = [point["predicted"][key] for point in found["points"]]
            axes.plot(rates, told, color=colour, linewidth=1, label=f"{label}, predicted")
            truth = [point["measured"][key] for point in found["points"]]
            axes.plot(rates, truth, color=colour, marker="o", markersize=3, linestyle="")
    axes.set(
        yscale="log",
        xlabel="requests per second (open loop)",
        ylabel="ms",
        title="W1 under load: predicted (lines) and measured (dots)",
    )
    axes.legend(fontsize=7)


def replicas(axes: Axes, results: Any) -> None:
    """Draw p99 of one to three replicas, measured as dots and predicted as lines."""
    for colour, (count, found) in zip(COLOURS[::2], results["replicas"].items(), strict=False):
        rates = [point["rate"] for point in found["points"]]
        told = [point["predicted"]["p99_ms"] for point in found["points"]]
        truth = [point["measured"]["p99_ms"] for point in found["points"]]
        axes.plot(rates, told, color=colour, linewidth=1, label=f"{count} replica(s)")
        axes.plot(rates, truth, color=colour, marker="o", markersize=4, linestyle="")
    axes.set(
        xlabel="requests per second (open loop)",
        ylabel="p99 in ms",
        title=f"On {results['cores']} cores: predicted (lines), measured (dots)",
    )
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7)


def _loop_choosers(axes: Axes, results: Any) -> None:
    """Draw how much of the work the busier of two loops got."""
    for place, (name, kept) in enumerate(results["choosers"].items()):
        axes.bar(
            [index + 0.4 * place for index in range(len(kept))],
            [run["busier_loops_share"] for run in kept.values()],
            width=0.38,
            color=COLOURS[3 * place],
            label=name,
        )
    counts = [*next(iter(results["choosers"].values()))]
    axes.set_xticks([index + 0.2 for index in range(len(counts))], counts)
    axes.axhline(0.5, color="black", linewidth=0.6, linestyle=":")
    axes.set(
        xlabel="keep-alive connections, two loops",
        ylabel="busier loop's share of the work",
        title="Who chooses the loop (median)",
    )
    axes.legend(fontsize=7)


def _overload(key: str, label: str) -> Callable[[Axes, Any], None]:
    def draw(axes: Axes, results: Any) -> None:
        """Draw a figure against what was offered."""
        for colour, one in zip(COLOURS[0:1] + COLOURS[2:], results["contestants"], strict=False):
            points = [point for point in one["points"] if point.get(key)]
            axes.plot(
                [point["offered"] for point in points],
                [point[key] for point in points],
                marker="o",
                markersize=3,
                color=colour,
                label=f"{one['name']} ({one['deadline_ms']:.0f} ms)",
            )
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="requests per second offered (open loop)",
            ylabel=label,
            title=f"W1 under overload: {label}",
        )
        axes.legend(fontsize=7)

    return draw


def pictures(name: str, results: Any) -> Mapping[str, Callable[[Axes, Any], None]]:
    """Return the pictures of a benchmark: file name without ending -> how to draw it."""
    found: dict[str, dict[str, Callable[[Axes, Any], None]]] = {
        "rank": {"closed": _rank_closed, "open": _rank_open, "stages": _rank_stages},
        "crew": {
            "speed-up": _crew_speed,
            **(
                {
                    f"load-{place}": _crew_load(work)
                    for place, work in enumerate(results["under_load"])
                }
                if name == "crew"
                else {}
            ),
        },
        "parallelism": {"waiting": _parallelism},
        "loop": {"choosers": _loop_choosers},
        "capacity": {"load": _capacity},
        "replicas": {"p99": replicas},
        "overload": {
            "goodput": _overload("good", "answers per second within the deadline"),
            "p99": _overload("p99_ms", "p99 in ms of what was answered"),
        },
        "retrieval": {"largest": _retrieval},
        "memory": {"ways": _memory},
        "feast": {"ways": _feast},
    }
    return {f"{name}-{picture}": draw for picture, draw in found.get(name, {}).items()}


def draw(name: str, results: Any, folder: Path) -> list[str]:
    """Draw a benchmark's pictures into folder; return their file names."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for picture, paint in pictures(name, results).items():
        figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
        paint(axes, results)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(folder / f"{picture}.svg", metadata={"Date": None})
        plt.close(figure)
        files.append(f"{picture}.svg")
    return files
