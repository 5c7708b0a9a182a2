"""Every script of ours runs, in its tiny form, and what it prints can be judged and shown."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bars import BARS
from benchmarks.plots import draw
from benchmarks.proxy import PROGRAM
from benchmarks.sections import SECTIONS

ROOT = Path(__file__).resolve().parents[2]
SIMULATOR = [*map(str, ROOT.glob(".venv-sim/lib/python*/site-packages"))]
# The kernels' own scripts have no tiny form, and take a minute to train their forests; Feast is
# there where its benchmark has been run, and so is what replicas are simulated with.
SCRIPTS = (
    *("crew", "batch", "http", "loop", "capacity", "rank", "memory", "retrieval", "parallelism"),
    *("stages", "filters", "swap", "effect", "overload", "trust", "size"),
    "offline_batch",
    *(("replicas",) if SIMULATOR and PROGRAM else ()),
    *(("feast",) if (ROOT / ".venv-feast" / "braid-stamp").exists() else ()),
)


def run(name: str) -> Any:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--tiny", "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(SIMULATOR)}
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def printed() -> Iterator[dict[str, Any]]:
    """What each printed; three at a time, for most of their time is waiting for a server."""
    with ThreadPoolExecutor(3) as pool:
        yield dict(zip(SCRIPTS, pool.map(run, SCRIPTS), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_it_runs_and_says_on_what(name: str, printed: dict[str, Any]) -> None:
    assert printed[name]["machine"]["cores"]
    assert printed[name]["machine"]["date"] > "2026"
    assert printed[name]["results"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "bar", [bar for bar in BARS if bar.benchmark in SCRIPTS], ids=lambda b: b.id
)
def test_its_bars_can_be_judged(bar: Any, printed: dict[str, Any]) -> None:
    if bar.id in {"B1", "B2"} and len(printed["rank"]["results"]["contestants"]) == 1:
        pytest.skip("no peers here: .venv-bench is made by make bench")
    verdict = bar.judge(printed[bar.benchmark]["results"])
    assert verdict.figure
    assert isinstance(verdict.met, bool)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_it_has_tables_and_pictures(name: str, printed: dict[str, Any], tmp_path: Path) -> None:
    _, section = SECTIONS[name]
    assert any(part.startswith("|") for part in section(printed[name]["results"]))
    if name not in {
        "batch",
        "offline_batch",
        "http",
        "stages",
        "filters",
        "swap",
        "effect",
        "trust",
        "size",
    }:
        assert draw(name, printed[name]["results"], tmp_path)
