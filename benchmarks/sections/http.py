"""HTTP, JSON and the instruments."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    for part in ("edge", "instruments"):
        yield table(
            ["One request at a time", "p50 us", "p99 us", "server CPU us"],
            [
                [
                    name,
                    *(
                        f"{1e3 * run[key]:.0f}" if key in run else ""
                        for key in ("p50_ms", "p99_ms", "server_cpu_ms")
                    ),
                ]
                for name, run in results[part].items()
                if isinstance(run, dict)
            ],
        )
    yield (
        f"A request's instruments alone take {results['instruments_direct_us']:.1f} us. Over two "
        f"loops {results['instruments']['requests_sent']} requests were answered and "
        f"{results['instruments']['requests_counted']} counted."
    )
    parts = results.get("instruments_parts_us", {})  # of a run since logs and traces are weighed
    yield "\n".join(f"* {name}: {took_us:.1f} us" for name, took_us in parts.items())
