"""What all threads share, tested by eight threads at once; `make test-parallel` does it with all.

Kernels, codecs, masks, the top k, histograms: whatever they keep, they must not keep it for two.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.races.parallel import FIXTURES, reason_against

ROOT = Path(__file__).resolve().parents[2]
SHARED = (
    "features/test_codec.py",
    "features/test_item_table.py",
    "features/test_near_cache.py",
    "features/test_schema.py",
    "ranking/test_catalogue.py",
    "ranking/test_credit.py",
    "ranking/test_lanes.py",
    "ranking/test_masks.py",
    "ranking/test_topk.py",
    "ranking/test_view.py",
    "service/test_cursor.py",
    "service/test_histogram.py",
    "service/test_spans.py",
)


@pytest.mark.slow
def test_what_threads_share_passes_its_tests_in_eight_threads_at_once() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.races.parallel"]
    command += ["-p", "no:cacheprovider", "--parallel-threads=8", "--skip-thread-unsafe=1"]
    done = subprocess.run(
        [*command, *(f"tests/{file}" for file in SHARED)],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
    told = re.search(r"Collected (\d+) items to run in parallel", done.stdout)
    assert told is not None
    assert int(told[1]) > 80


def test_a_test_that_shares_a_server_is_given_a_reason() -> None:
    assert reason_against("tests/service/test_x.py", "test_y", {"valkey", "client"}) is not None
    assert reason_against("tests/races/test_state.py", "test_y", set()) is not None
    assert reason_against("tests/ranking/test_topk.py", "test_y", {"tmp_path"}) is None
    assert all(FIXTURES.values())
