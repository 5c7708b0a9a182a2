"""Where stages run, and who chooses the loop."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    yield table(
        ["Stages run", *(f"{company}: p50 ms, p99" for company in ("alone", "beside a slow one"))],
        [
            [name, *(f"{run['p50_ms']:.2f}, {run['p99_ms']:.2f}" for run in kept.values())]
            for name, kept in results["places"].items()
        ],
    )
    yield (
        "Fast requests (25 candidates) by a schedule on one loop, without helpers; the slow "
        "one asks for 5000 candidates over and over. Below: keep-alive connections over two "
        "loops, opened anew in each trial."
    )
    yield table(
        ["Who chooses", "connections", "busier loop's share", "one had all", "req/s", "p99 ms"],
        [
            [
                name,
                connections,
                f"{run['busier_loops_share']:.2f}",
                f"{run['one_loop_had_all']:.0%}",
                f"{run['per_second']:.0f}",
                f"{run['p99_ms']:.1f}",
            ]
            for name, kept in results["choosers"].items()
            for connections, run in kept.items()
        ],
    )
    yield "A connection with one request on it: " + ", ".join(
        f"{name} {took:.0f} us" for name, took in results["connecting_us"].items()
    )
