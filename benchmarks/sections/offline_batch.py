"""All users' slates ahead of time."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    found = results["candidates"]
    yield (
        f"A slate of 20 for each of {results['users']:,} users, from a catalogue of "
        f"{results['items']:,}: Braid finds {found['braid']} candidates for each itself and writes "
        f"Parquet; the peer is given {found['fastapi']}, and its answers are thrown away."
    )
    yield table(
        ["all users' slates", "slates/s", "times", "CPU ms"],
        [
            [way, f"{run['per_second']:.0f}", f"{run['times']:.2f}", f"{run['cpu_ms']:.2f}"]
            for way, run in results["ways"].items()
        ],
    )
