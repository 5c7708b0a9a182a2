"""The two commands of the README."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_make_demo_once_prints_slates_of_real_titles(artifacts: Path) -> None:
    """The artifact is the session's: training has been shown by then, through the same code."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    done = subprocess.run(
        ["make", "demo", f"ARGS=--once --port 0 --folder {artifacts}"],
        cwd=ROOT,
        env={**environment, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for word in ("User 196", "User 22", "User 405", "context", "rerank", "(1997)", "Drama"):
        assert word in done.stdout
    assert "degraded" not in done.stdout
