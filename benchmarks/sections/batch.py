"""A hundred slates at once."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    yield (
        f"The same slates, equal item for item, from a catalogue of {results['items']:,}; CPU and "
        "rate are per slate, p50 is per request."
    )
    yield table(
        ["100 users' slates", "slates/s", "times", "p50 ms", "CPU ms", "store CPU", "client CPU"],
        [
            [
                way,
                f"{run['per_second']:.0f}",
                f"{run['times']:.2f}",
                *(f"{run[key]:.2f}" for key in ("p50_ms", "server_cpu_ms", "store_cpu_ms")),
                f"{run['client_cpu_ms']:.2f}",
            ]
            for way, run in results["ways"].items()
        ],
    )
