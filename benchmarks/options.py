"""What every benchmark understands on its command line, and how it hands over its results."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.machine import describe


@dataclass(frozen=True)
class Options:
    """``size`` is "full", "short" (a few minutes for all of them) or "tiny" (does it run?)."""

    size: str
    json: bool

    def pick[T](self, full: T, short: T, tiny: T) -> T:
        """Return what goes with the size."""
        return {"full": full, "short": short, "tiny": tiny}[self.size]


def parse(about: str, arguments: Sequence[str] | None = None) -> Options:
    """Read --short, --tiny and --json; the first line of ``about`` is the help."""
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--short", action="store_true", help="fewer and shorter repetitions")
    sizes.add_argument("--tiny", action="store_true", help="only to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    read = parser.parse_args(arguments)
    return Options("tiny" if read.tiny else "short" if read.short else "full", read.json)


def say(step: str) -> None:
    """Tell on stderr what is being done: a line that `benchmarks.__main__` shows as progress."""
    print(step, file=sys.stderr, flush=True)


def emit(options: Options, results: Mapping[str, Any]) -> None:
    """Print the machine and the results: as one line of JSON, or to be read."""
    whole = {"machine": describe(), "results": results}
    json.dump(whole, sys.stdout, indent=None if options.json else 2)
    print()
