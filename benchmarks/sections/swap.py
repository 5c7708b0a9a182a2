"""Models swapped under load."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    yield (
        f"{results['swaps']} swaps of models that rank the same items otherwise, under an open "
        f"loop of {results['rate']:.0f} requests/s (capacity {results['capacity_per_second']:.0f})."
        f" A swap takes {results['swap_ms']['p50']:.0f} ms (p99 {results['swap_ms']['p99']:.0f}): "
        "read, verified, tried on golden requests, published."
    )
    shares = ("p50_ms", "p95_ms", "p99_ms", "p99.9_ms")
    yield table(
        ["Requests", "count", *(f"{share.removesuffix('_ms')} ms" for share in shares)],
        [
            [
                name,
                f"{results[name]['requests']:.0f}",
                *(f"{results[name].get(share, float('nan')):.2f}" for share in shares),
            ]
            for name in ("during", "outside")
        ],
    )
    first, *_, last = results["rss_mib"]
    yield (
        f"{results['failed']} failed, {results['mixed']} mixed. Memory {first:.0f} MiB before, "
        f"{last:.0f} after. A rollback takes {results['rollback_ms']['p50']:.1f} ms; a second "
        f"replica follows {results['follow_ms']['p50']:.0f} ms after the first has answered."
    )
