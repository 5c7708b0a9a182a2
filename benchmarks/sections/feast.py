"""Feature rows beside Feast."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    about, far = results["feast"], results["ways"]["braid, far"]
    yield (
        f"{results['rows']} x {results['features']} float32 from one Valkey, equal bit for bit; "
        f"Feast {about['feast']} on Python {about['python']}, one request at a time. Not in "
        "Feast's time: making an array of its answer, or reading its JSON. The server weighs "
        f"{about['server_memory_mib']['pss']:.0f} MiB (PSS)."
    )
    head = ["Reading", "p50 ms", "p99 ms", "CPU ms", "store CPU ms", "p50, times Braid far"]
    yield table(
        head,
        [
            [
                f"**{name}**: {way['about']}",
                *(
                    _three_digits(way[key])
                    for key in ("p50_ms", "p99_ms", "server_cpu_ms", "store_cpu_ms")
                ),
                _three_digits(way["p50_ms"] / far["p50_ms"]),
            ]
            for name, way in results["ways"].items()
        ],
    )


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
