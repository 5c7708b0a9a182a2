"""Run three replicas behind a proxy, restart, kill and swap them, and print what came of it.

    python -m tests.replicas [--full | --short]

The status is 1 where a promise was not kept, or where there is no proxy to try it with.
"""

import argparse
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.faults.figures import Figure
from tests.faults.length import LENGTH, Length


class Told:
    """A plugin of pytest that sets the length, and keeps what each test measured."""

    def __init__(self, length: Length) -> None:
        self.table = Table("", "bar", "figure", "kept", title=f"Replicas, length {length.name}")
        self.skipped = 0
        self._length = length

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[LENGTH] = self._length

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.skipped += report.skipped
        if report.when == "call":
            self.table.add_section()
            claim = report.nodeid.rpartition("test_")[2].replace("_", " ")
            verdict = "[green]yes" if report.passed else "[red]no"
            self.table.add_row(f"[bold]{claim}", "", "", verdict)
            for name, figures in report.user_properties:
                if name == "figures":
                    self._add(figures)  # type: ignore[arg-type]  # pytest says object

    def _add(self, figures: list[Figure]) -> None:
        for one in figures:
            value = f"{one.value:.3g}" if isinstance(one.value, float) else str(one.value)
            kept = "" if not one.bar else "[green]yes" if one.held else "[red]no"
            self.table.add_row(f"  {one.what}", one.bar, escape(f"{value} {one.unit}"), kept)


def main() -> int:
    """Run them in the length that the command line asks for."""
    words = argparse.ArgumentParser(
        prog="make replicas", description=(__doc__ or "").partition("\n")[0]
    )
    lengths = words.add_mutually_exclusive_group()
    for name in ("full", "short"):
        lengths.add_argument(
            f"--{name}", dest="length", action="store_const", const=name, default="ci"
        )
    told = Told(Length(words.parse_args().length))
    options = ["-q", "--no-header", "--timeout=900", str(Path(__file__).parent)]
    ended = pytest.main(options, plugins=[told])
    Console(width=None if sys.stdout.isatty() else 120).print(told.table)
    return int(ended != pytest.ExitCode.OK or told.skipped > 0)


if __name__ == "__main__":
    raise SystemExit(main())
