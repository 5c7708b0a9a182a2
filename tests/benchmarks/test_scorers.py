"""The scripts about scorers run, in their tiny form, and say on what."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["own_scorer", "networks"])
def test_it_runs_and_says_on_what(name: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--tiny", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    printed = json.loads(done.stdout)
    assert printed["machine"]["cores"]
    assert printed["results"]
