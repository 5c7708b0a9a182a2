"""The report: figures from all runs, a summary of the bars, tables, pictures. Never by hand."""

import json
from pathlib import Path
from typing import Any

from benchmarks.bars import BARS, Bar, Verdict
from benchmarks.plots import draw
from benchmarks.sections import SECTIONS
from benchmarks.sections.table import table

FIGURES, PLOTS = "figures", "plots"
HEAD = """# Benchmarks

Written by `make bench`; do not edit. `make bench BENCH=rank` renews one part. Peers and Braid run
in one go on one machine, turn by turn, answers compared before anything is timed; medians over the
repetitions. A bar that was not run says so.
"""


def keep(folder: Path, name: str, size: str, printed: dict[str, Any]) -> None:
    """Write what a benchmark printed, for this report and later ones."""
    path = folder / FIGURES / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"benchmark": name, "size": size, **printed}, indent=1) + "\n")


def write(folder: Path) -> list[dict[str, Any]]:
    """Write results.json, report.md and the pictures from the figures kept; return the bars."""
    kept = {
        name: json.loads(path.read_text())
        for name in SECTIONS
        if (path := folder / FIGURES / f"{name}.json").exists()
    }
    bars = [_judged(bar, kept) for bar in BARS]
    (folder / "results.json").write_text(json.dumps(bars, indent=1, ensure_ascii=False) + "\n")
    parts = [HEAD, _summary(bars)]
    for name, (title, section) in SECTIONS.items():
        if name in kept:
            files = draw(name, kept[name]["results"], folder / PLOTS)
            parts += [f"## {title}", f"`make bench BENCH={name}`. {_measured(kept[name])}"]
            parts += [f"![{Path(file).stem}]({PLOTS}/{file})" for file in files]
            parts += section(kept[name]["results"])
    (folder / "report.md").write_text("\n\n".join(parts) + "\n")
    return bars


def _judged(bar: Bar, kept: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": bar.id, "what": bar.what, "bar": bar.bar}
    run = kept.get(bar.benchmark or "")
    if run is None or bar.judge is None:
        return entry | {"figure": "not run", "peer": "", "met": None, "benchmark": bar.benchmark}
    verdict: Verdict = bar.judge(run["results"])
    return entry | {
        "figure": verdict.figure,
        "peer": verdict.peer,
        "met": None if run["size"] == "tiny" else verdict.met,
        "benchmark": bar.benchmark,
        "size": run["size"],
        "machine": run["machine"],
    }


def _summary(bars: list[dict[str, Any]]) -> str:
    words = {True: "yes", False: "**no**", None: "not judged"}
    return table(
        ["", "What", "Bar", "Figure", "Peer", "Met", "Measured"],
        [
            [
                bar["id"],
                *(bar[key].replace("|", "/") for key in ("what", "bar", "figure", "peer")),
                words[bar["met"]],
                f"{bar['machine']['date'][:10]}, {bar['size']}" if "machine" in bar else "",
            ]
            for bar in bars
        ],
        align="---",
    )


def _measured(run: dict[str, Any]) -> str:
    """Say when and on what."""
    about = run["machine"]
    versions = ", ".join(
        f"{name} {version}" for name, version in about["versions"].items() if version
    )
    # Long work that was run by itself, not by `benchmarks`, knows the load of its end only.
    loads = [run["load_before"]] if "load_before" in run else []
    load = " -> ".join(f"{when[0]:.1f}" for when in (*loads, about["load_average"]))
    return (
        f"Measured {about['date']} ({run['size']}) at {about['commit']} on {about['processor']}, "
        f"{about['cores']} cores, {about['memory_gib']} GiB, {about['system']}; "
        f"Python {about['python']}; {versions}; load average {load}."
    )
