"""Weigh one process with a shared table against one table per process (bar B3).

    python -m benchmarks.memory [--short | --tiny] [--json]

A table of float32 rows (1 GiB in full) is loaded; then two workers gather rows and score them
with a forest, over and over, so that both cores are in use while memory is read. Three ways:
two threads over one table; two processes that load it each, as two uvicorn workers do; and two
processes forked after loading, whose table is shared for as long as nobody writes to it.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import ROOT, Server
from benchmarks.world import FEATURES, train
from features.types import Rows
from ranking.scorers import ForestScorer

WAYS = ("threads", "processes", "forked")
WORKERS, CANDIDATES = 2, 1000


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    rows: int
    trees: int
    seconds: float
    repetitions: int


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    return options.pick(
        full=Plan(2**22, 200, 3.0, 5), short=Plan(2**22, 200, 1.0, 1), tiny=Plan(2**14, 2, 0.1, 1)
    )


def work(table: Rows, scorer: ForestScorer, seconds: float, seed: int) -> int:
    """Gather and score until the time is up; return how many requests that made."""
    rng, done = np.random.default_rng(seed), 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        scorer(table[rng.integers(0, len(table), CANDIDATES)])
        done += 1
    return done


def child(way: str, folder: Path, seconds: float) -> None:
    """Be the process that is weighed; print how many requests its workers answered."""
    if way == "processes":
        for seed in range(WORKERS):
            if os.fork() == 0:
                _worker(folder, *_load(folder), seconds, seed)
    else:
        table, scorer = _load(folder)
        if way == "forked":
            for seed in range(WORKERS):
                if os.fork() == 0:
                    _worker(folder, table, scorer, seconds, seed)
        else:
            threads = [
                threading.Thread(target=_note, args=(folder, table, scorer, seconds, seed))
                for seed in range(WORKERS)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    if way != "threads":
        for _ in range(WORKERS):
            os.wait()


def _worker(folder: Path, table: Rows, scorer: ForestScorer, seconds: float, seed: int) -> None:
    _note(folder, table, scorer, seconds, seed)
    os._exit(0)


def _note(folder: Path, table: Rows, scorer: ForestScorer, seconds: float, seed: int) -> None:
    # Nobody starts before all have loaded: then all are weighed at once.
    (folder / f"loaded-{seed}").touch()
    while not all((folder / f"loaded-{other}").exists() for other in range(WORKERS)):
        time.sleep(0.01)
    began = time.perf_counter()
    done = work(table, scorer, seconds, seed)
    elapsed = time.perf_counter() - began
    (folder / f"done-{seed}").write_text(json.dumps(done / elapsed))


def _load(folder: Path) -> tuple[Rows, ForestScorer]:
    return np.load(folder / "table.npy"), ForestScorer.load((folder / "model.txt").read_text())


def weigh(way: str, folder: Path, seconds: float) -> dict[str, float]:
    """Run one way and return its largest memory, in MiB, and its requests per second."""
    for note in [*folder.glob("loaded-*"), *folder.glob("done-*")]:
        note.unlink()
    command = [sys.executable, "-m", "benchmarks.memory", "--child", way, str(folder), str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT)
    server, largest = Server(way, process.pid, ("", 0)), {"rss": 0.0, "pss": 0.0}
    while process.poll() is None:
        if len([*folder.glob("loaded-*")]) == WORKERS:
            now = server.memory_mib()
            largest = max(largest, now, key=lambda found: found["pss"])
        time.sleep(0.05)
    assert process.returncode == 0, way
    rates = [json.loads(note.read_text()) for note in folder.glob("done-*")]
    assert len(rates) == WORKERS, way
    return {"pss_mib": largest["pss"], "rss_mib": largest["rss"], "per_second": sum(rates)}


def measure(options: Options) -> dict[str, Any]:
    """Run every way and return the results."""
    todo = plan(options)
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="braid-bench-") as name:
        folder = Path(name)
        say("make the table and the forest")
        rows = np.random.default_rng(0).standard_normal((todo.rows, FEATURES), np.float32)
        np.save(folder / "table.npy", rows)
        (folder / "model.txt").write_text(train(rows[:20_000], todo.trees))
        del rows
        for repetition in range(todo.repetitions):
            for way in WAYS:
                say(f"weigh {way} {repetition + 1}/{todo.repetitions}")
                found[way].append(weigh(way, folder, todo.seconds))
    return {
        "table_mib": todo.rows * FEATURES * 4 / 2**20,
        "ways": {
            way: {key: float(np.median([run[key] for run in runs])) for key in runs[0]}
            for way, runs in found.items()
        },
    }


def main() -> None:
    """Measure and print; or be a child that is measured."""
    if sys.argv[1:2] == ["--child"]:
        _, _, way, folder, seconds = sys.argv
        child(way, Path(folder), float(seconds))
        return
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
