"""Inject every fault of docs/faults.md and print what came of each.

    python -m tests.faults [--full | --short] [-k ROW ...]

A run of all rows is written to results.json beside this file. The status is 1 where a row failed
or has no test.
"""

import argparse
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.faults import report
from tests.faults.length import Length
from tests.faults.rows import rows
from tests.faults.verdicts import Verdicts

FOLDER = Path(__file__).parent
LONGEST_TEST_S = {"short": 300, "ci": 300, "full": 3600}


def main() -> int:
    """Run the rows that the command line asks for."""
    known = rows()
    words = argparse.ArgumentParser(prog="make faults", description=(__doc__ or "").splitlines()[0])
    lengths = words.add_mutually_exclusive_group()
    for name in ("full", "short"):
        lengths.add_argument(
            f"--{name}", dest="length", action="store_const", const=name, default="ci"
        )
    words.add_argument("-k", dest="rows", action="append", choices=known, metavar="ROW")
    told = words.parse_args()
    wanted = {row: fault for row, fault in known.items() if row in (told.rows or known)}
    length = Length(told.length)
    verdicts = Verdicts(length, list(wanted))
    files = [file for row in wanted for file in FOLDER.glob(f"test_r{int(row[1:]):02}_*.py")]
    longest_s = LONGEST_TEST_S[length.name]
    options = ["-q", "--no-header", f"--timeout={longest_s}", f"-ofaulthandler_timeout={longest_s}"]
    options += ["--continue-on-collection-errors", *map(str, files)]
    try:
        ended = pytest.main(options, plugins=[verdicts]) if files else pytest.ExitCode.OK
    except pytest.PytestUnraisableExceptionWarning:  # left open by a test that failed
        ended = pytest.ExitCode.TESTS_FAILED
    found = report.document(wanted, list(verdicts.by_test.values()), length)
    report.show(found, Console(width=None if sys.stdout.isatty() else 140))
    if wanted == known:
        report.write(found, FOLDER / "results.json")
    good = ended in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    return 0 if good and all(row["pass"] for row in found["rows"]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
