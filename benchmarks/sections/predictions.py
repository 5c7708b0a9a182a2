"""Predictions beside the truth."""

from typing import Any

from benchmarks.sections.table import table


def predictions(title: str, points: Any) -> str:
    """Return measured and predicted latencies side by side."""
    return table(
        [f"{title}, requests/s", "p50 ms", "predicted", "", "p99 ms", "predicted", ""],
        [
            [
                f"{point['rate']:.0f}",
                *(
                    cell
                    for key in ("p50_ms", "p99_ms")
                    for cell in (
                        f"{point['measured'][key]:.2f}",
                        f"{point['predicted'][key]:.2f}",
                        f"{point[f'{key}_error']:+.0%}",
                    )
                ),
            ]
            for point in points
        ],
    )
