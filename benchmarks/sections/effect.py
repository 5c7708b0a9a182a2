"""From an event to its effect."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    yield (
        "A user's event is sent to one process; once it is acknowledged, the other is asked for "
        "the user's next slate, over another connection, until the item is gone from it. A miss is "
        f"a first answer that still has it. Two processes, {results['connections']} connections to "
        "each, one Valkey."
    )
    shares = ("p50_ms", "p99_ms", "p99.9_ms", "most_ms")
    yield table(
        [
            "Rounds at a time",
            "rounds",
            "misses",
            *(f"{share.removesuffix('_ms')} ms" for share in shares),
            "event alone: p50, p99",
        ],
        [
            [
                at_a_time,
                found["rounds"],
                found["misses"],
                *(f"{found['effect'][share]:.2f}" for share in shares),
                f"{found['event']['p50_ms']:.2f}, {found['event']['p99_ms']:.2f}",
            ]
            for at_a_time, found in results["at_a_time"].items()
        ],
    )
    judged, counts = results["at_a_time"]["1"], results["counts"]
    met = not judged["misses"] and judged["effect"]["p99_ms"] <= results["bar_ms"]
    yield (
        f"Asked for: p99 <= {results['bar_ms']:g} ms and no miss, one round at a time: "
        f"{'met' if met else '**not met**'}. The counts of all users are a replica's within "
        f"{counts['p50_ms']:.1f} ms (p50) and {counts['p99_ms']:.1f} ms (p99) of the store's "
        "taking an event, and in its slates a fifth of a second later."
    )
