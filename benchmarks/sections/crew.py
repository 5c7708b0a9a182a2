"""One request on two threads."""

from collections.abc import Iterator
from typing import Any

from benchmarks.bars import AGAIN
from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    yield (
        f"A share handed to an awake helper and back: {results['handover_us']:.0f} us; "
        f"to a sleeping one: {results['wake_us']:.0f} us. `Two of their own` is what the machine "
        "has to give at the time: two threads that each score all rows, with nothing between them."
    )
    head = ["Score stage", "rows", "1 thread us", "p99", "crew us", "p99", "times as fast"]
    yield table(
        [*head, "two of their own"],
        [
            [
                one["scorer"],
                one["rows"],
                *(
                    f"{one[way][key]:.0f}"
                    for way in ("1 thread", "crew")
                    for key in ("p50_us", "p99_us")
                ),
                f"{one['speed_up']:.2f}",
                f"{one['ceiling']:.2f}",
            ]
            for one in results["scoring"]
        ],
    )
    yield table(
        ["Whole request", "serial p50 ms", "p99", "crew p50 ms", "p99", "times as fast"],
        [
            [
                name,
                *(
                    f"{run[way][key]:.2f}"
                    for way in ("serial", "crew")
                    for key in ("p50_ms", "p99_ms")
                ),
                f"{run['speed_up']:.2f}",
            ]
            for name, run in results["whole"].items()
        ],
    )
    for work, found in results["under_load"].items():
        curves = found["curves"]
        others = [points for rule, points in curves.items() if rule not in {"crew", AGAIN}]
        yield f"{work} under load; 100 % is {found['capacity_per_second']:.0f} requests/s, serial."
        yield table(
            ["Load", *(f"{rule}: p50 ms, p99" for rule in curves), "crew against the better"],
            [
                [
                    f"{point['load']:.0%}",
                    *(
                        f"{curves[rule][index]['p50_ms']:.2f}, {curves[rule][index]['p99_ms']:.2f}"
                        for rule in curves
                    ),
                    f"{point['p99_ms'] / min(points[index]['p99_ms'] for points in others):.2f}x",
                ]
                for index, point in enumerate(curves["crew"])
            ],
        )
