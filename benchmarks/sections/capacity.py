"""A capacity model, and the truth."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.predictions import predictions
from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    for loops, found in results["checked"].items():
        yield predictions(f"{loops} loop(s)", found["points"])
    machines = [*results["sizes"][0]["machines"]]
    yield table(
        [
            f"Loops a machine; requests/s at p99 <= {results['limit_ms']:.0f} ms on",
            *(f"{count} machine(s)" for count in machines),
        ],
        [
            [size["loops"], *(f"{size['machines'][count]:,.0f}" for count in machines)]
            for size in results["sizes"]
        ],
    )
