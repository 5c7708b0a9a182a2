"""Run benchmarks, each in a process of its own, and write the report.

    python -m benchmarks [NAME ...] [--short | --tiny] [--into FOLDER]

A benchmark is a module here that prints one JSON document on stdout with --json: the machine and
its results. Its lines on stderr are shown as progress.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import report
from benchmarks.machine import describe
from benchmarks.sections import SECTIONS
from benchmarks.servers import ROOT

NEEDS = {
    "rank": ("bench", "gil"),
    "retrieval": ("bench",),
    "offline_batch": ("bench",),
    "feast": ("feast",),
    "offline": ("offline",),
    "forest": ("kernels",),
    "rerank": ("kernels",),
    "parallelism": ("gil",),
    "replicas": ("sim",),
}
"""Which environments, besides the service's own, a benchmark's peers live in."""

BESIDE = {"kernels", "sim"}
"""Those of them that are imported beside our own."""

OLDER = {"forest", "rerank"}
"""They know no --tiny."""

console = Console(stderr=True)


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; a benchmark's name that there is none of is an error."""
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", nargs="*", help=f"one of: {', '.join(SECTIONS)}; all if none")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--short", action="store_true", help="fewer and shorter repetitions")
    sizes.add_argument("--tiny", action="store_true", help="only to see that it runs")
    parser.add_argument(
        "--into", type=Path, default=ROOT / "benchmarks", help="the folder to write"
    )
    read = parser.parse_args(words)
    unknown = set(read.name) - set(SECTIONS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return read


def prepare(name: str) -> dict[str, str]:
    """Make ready the peers' environments; return what the benchmark needs to see."""
    environment = dict(os.environ)
    needs = NEEDS.get(name, ())
    for need in needs:
        # Where no Python with the GIL can be had, the benchmark says so and does without.
        command = [_python3(), "-m", "scripts.bootstrap", need]
        subprocess.run(command, cwd=ROOT, check=need != "gil")
    beside = [need for need in needs if need in BESIDE]
    found = [
        path for need in beside for path in ROOT.glob(f".venv-{need}/lib/python*/site-packages")
    ]
    if found:
        environment["PYTHONPATH"] = os.pathsep.join(map(str, found))
    return environment


def _python3() -> str:
    """Return a Python that may make an environment; ours has no GIL, which the peers need."""
    return os.environ.get("PYTHON3", "python3")


def run(name: str, size: str, progress: Progress) -> dict[str, Any]:
    """Run one benchmark and return what it printed.

    Raises:
        RuntimeError: it failed; the message has its last words.
    """
    flag = "short" if size == "tiny" and name in OLDER else size
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json"]
    command += [] if flag == "full" else [f"--{flag}"]
    task = progress.add_task(name, total=None, step="start")
    words: list[str] = []
    environment = prepare(name)
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        # A benchmark prints its JSON last and at once: reading stderr first cannot block it.
        for line in process.stderr:
            words.append(line)
            progress.update(task, step=escape(line.strip()[:70]))
        printed = process.stdout.read()
    if process.returncode:
        progress.update(task, step="[red]failed[/]", total=1, completed=0)
        raise RuntimeError(f"{name}: {''.join(words[-15:])}")
    progress.update(task, step="done", total=1, completed=1)
    progress.stop_task(task)
    # A peer's compiler may have printed something ahead of it.
    begin = re.search(r'^\{\s*"machine"', printed, re.MULTILINE)
    if begin is None:
        raise RuntimeError(f"{name} printed no results: {printed[-500:]}")
    found: dict[str, Any] = json.loads(printed[begin.start() :])
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Run what is asked for, write the report, show the bars; 1 if a benchmark failed."""
    wanted = arguments(words)
    size = "tiny" if wanted.tiny else "short" if wanted.short else "full"
    faults = []
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:12}"),
        BarColumn(bar_width=12),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}"),
    )
    with Progress(*columns, console=console) as progress:
        for name in wanted.name or SECTIONS:
            if not (ROOT / "benchmarks" / f"{name}.py").exists():
                continue
            before = os.getloadavg()
            try:
                printed = run(name, size, progress)
            except (RuntimeError, subprocess.CalledProcessError, ValueError) as fault:
                faults.append(str(fault))
                continue
            about = describe() | {"versions": _versions(printed)}
            kept = {"load_before": before, "machine": about, "results": printed["results"]}
            report.keep(wanted.into, name, size, kept)
    bars = report.write(wanted.into)
    _show(bars)
    for words_of_fault in faults:
        console.print(f"[red]failed:[/] {escape(words_of_fault)}")
    return 1 if faults else 0


def _versions(printed: dict[str, Any]) -> dict[str, str | None]:
    """Return the versions that the benchmark told, which may know of more packages than we do."""
    return {**describe()["versions"], **printed.get("machine", {}).get("versions", {})}


def _show(bars: list[dict[str, Any]]) -> None:
    shown = Table("", "what", "figure", "met", title="benchmarks/report.md", title_justify="left")
    words = {True: "[green]yes[/]", False: "[red]no[/]", None: "not judged"}
    for bar in bars:
        shown.add_row(bar["id"], bar["what"], escape(bar["figure"]), words[bar["met"]])
    Console().print(shown)


if __name__ == "__main__":
    sys.exit(main())
