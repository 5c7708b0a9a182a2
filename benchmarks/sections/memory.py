"""Memory."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    yield table(
        ["Two workers on one table", "PSS MiB", "RSS MiB", "requests/s"],
        [
            [way, *(f"{run[key]:.0f}" for key in ("pss_mib", "rss_mib", "per_second"))]
            for way, run in results["ways"].items()
        ],
    )
    yield (
        "PSS counts a page that two processes share half to each. What is forked after loading "
        "shares its pages until somebody writes: rows that change would be copied, or be stale."
    )
