"""Replicas behind HAProxy."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.predictions import predictions
from benchmarks.sections.table import table

USERS_OF_CORES = ("replicas", "proxy", "store", "client")


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    yield (
        f"One loop a replica, HAProxy, one store, this client: all on {results['cores']} cores. "
        f"Three replicas do {results['three_to_one']:.2f} times what one does. Predicted from what "
        "one replica was weighed at with next to no load, in the same rounds."
    )
    yield table(
        ["Replicas: 16 under way", "requests/s", *(f"{who}'s cores" for who in USERS_OF_CORES)],
        [
            [
                count,
                f"{found['throughput']['per_second']:.0f}",
                *(f"{found['throughput'][f'{who}_cores']:.2f}" for who in USERS_OF_CORES),
            ]
            for count, found in results["replicas"].items()
        ],
    )
    for count, found in results["replicas"].items():
        yield predictions(f"{count} replica(s)", found["points"])
