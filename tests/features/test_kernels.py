"""Compiling kernels: a person is told why they wait, and only then."""

import os
import subprocess
import sys
from pathlib import Path

TINY = """
from numba import float64

from features.kernels import kernel


@kernel(float64, returns=float64)
def twice(number):
    return 2 * number
"""


def stderr_of_an_import(folder: Path) -> str:
    """Import a module with a kernel, in a Python of its own that keeps kernels in a folder."""
    (folder / "tiny.py").write_text(TINY)
    command = (sys.executable, "-c", "import tiny; assert tiny.twice(4.0) == 8.0")
    paths = os.pathsep.join((str(folder), str(Path(__file__).parents[2])))
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": paths}
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stderr


def test_the_first_command_says_that_it_compiles_and_the_next_one_finds_it_done(
    tmp_path: Path,
) -> None:
    assert stderr_of_an_import(tmp_path).count("Compiling the kernels") == 1
    assert stderr_of_an_import(tmp_path) == ""
