"""Cases of one piece of work, and who does it how fast."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Return the tables of the benchmarks that time calls in this process (`timing.Figures`)."""
    for case in results if isinstance(results, list) else []:
        if "figures" not in case:
            yield table(
                [case["case"], "figure"], [[k, f"{v:,.6g}"] for k, v in case.items() if k != "case"]
            )
            continue
        extra = [key for key in ("ratio", "error", "same_picks") if key in case]
        title = case.get("case", "") + (
            f", {case['threads']} thread(s)" if "threads" in case else ""
        )
        yield table(
            [title, "p50 us", "p99 us", "CPU us", *extra],
            [
                [
                    name,
                    *(f"{figure[key]:.1f}" for key in ("p50_us", "p99_us", "cpu_us")),
                    *(f"{case[key][name]:.3g}" for key in extra),
                ]
                for name, figure in case["figures"].items()
            ],
        )
