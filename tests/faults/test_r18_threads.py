"""R18: the suite run by many threads at once, and the GIL after every import."""

import re
import subprocess
import sys

import pytest

from benchmarks.servers import ROOT
from tests.faults.figures import Figures
from tests.faults.length import Length

SUITE = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
TOGETHER = ["-p", "tests.races.parallel", "--parallel-threads=8", "--skip-thread-unsafe=1"]
SOME = ("tests/features/test_codec.py",)
MORE = (
    *SOME,
    "tests/ranking/test_topk.py",
    "tests/ranking/test_masks.py",
    "tests/ranking/test_forest.py",
    "tests/ranking/test_retrieval.py",
    "tests/ranking/test_scorers.py",
    "tests/features/test_near_cache_kernel.py",
)


@pytest.mark.fault("R18", "each test that can runs in eight threads at once")
def test_the_suite_passes_when_many_threads_run_each_test(figures: Figures, length: Length) -> None:
    wanted = length.pick(short=SOME, ci=MORE, full=("tests", "--timeout=3600"))
    done = subprocess.run(
        [*SUITE, *TOGETHER, *wanted], cwd=ROOT, capture_output=True, text=True, check=False
    )
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", done.stdout[-400:])}
    figures.hold("tests passed", counts.get("passed", 0), at_least=1)
    figures.hold("tests failed", counts.get("failed", 0) + counts.get("errors", 0), equal=0)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.fault("R18", "everything is imported: is the GIL still off?")
def test_no_import_switches_the_gil_on(figures: Figures, length: Length) -> None:
    checks = length.pick(short="no_module_of_ours", ci="gil", full="gil")
    done = subprocess.run(
        [*SUITE, "tests/test_interpreter.py", "-k", checks],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    figures.hold("checks passed", int(passed[1]) if passed else 0, at_least=1)
    assert done.returncode == 0, done.stdout[-3000:]
