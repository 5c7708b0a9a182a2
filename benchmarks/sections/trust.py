"""What guards the service."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    yield (
        f"W1, one request at a time, {results['requests']} requests each, block by block in turn; "
        f"all servers are started anew for each of {results['rounds']} rounds. The ratio of "
        "medians is of one round: the middle one, the lowest, the highest."
    )
    for against, ways in (("nothing", results["ways"]), ("before", results["before"])):
        if ways is not None:
            yield table(
                ["", "p50 ms", "p99 ms", f"against {against}", "lowest", "highest"],
                [
                    [
                        name,
                        f"{way['p50_ms']:.3f}",
                        f"{way['p99_ms']:.3f}",
                        *(f"{way[key]:.3f}x" for key in ("ratio", "lowest", "highest")),
                    ]
                    for name, way in ways.items()
                ],
            )
