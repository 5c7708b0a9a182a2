"""W2, and what each setting costs."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    yield (
        f"W2 over HTTP from a catalogue of {results['items']:,}, one client on one connection: "
        "each row is W2 with one thing more, and what that costs beside W2 alone."
    )
    first = next(iter(results["ways"].values()))
    yield table(
        ["W2 with", "p50 ms", "p99 ms", "more at p50", "CPU ms", "store CPU", "client CPU"],
        [
            [
                way,
                f"{run['p50_ms']:.2f}",
                f"{run['p99_ms']:.2f}",
                f"{run['p50_ms'] - first['p50_ms']:+.2f}",
                *(f"{run[f'{who}_cpu_ms']:.2f}" for who in ("server", "store", "client")),
            ]
            for way, run in results["ways"].items()
        ],
    )
