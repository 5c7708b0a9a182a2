"""Large catalogues."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    yield (
        "64 dimensions in clusters, 16 features, 10 neighbours, three properties an item, mapped. "
        "Ready: from the start of a replica's process to its first 200, with the files in memory, "
        "and from the disk; memory of two replicas after their requests. Retrieve is "
        "`Server-Timing` of strangers with a session; search is "
        "the best 500 on one thread, its recall against the exact scan."
    )
    head = [
        "items",
        "artifact MiB",
        "mapped",
        "laid out s",
        "with MiB",
        "ready s",
        "from the disk",
        "RSS MiB",
        "PSS",
    ]
    head += ["retrieve p50 ms", "p99", "search p50 ms", "p99", "exact p50 ms", "recall", "least"]
    yield table(
        head,
        [
            [
                f"{one['items']:,}",
                *(f"{one[key]:.0f}" for key in ("artifact_mib", "mapped_mib", "laid_out_s")),
                f"{one['layout_mib']:.0f}",
                f"{one['ready_s']:.1f}",
                f"{one['cold_s']:.1f}",
                *(" + ".join(f"{mib:.0f}" for mib in one[key]) for key in ("rss_mib", "pss_mib")),
                *(f"{one['asked'][f'retrieve_{at}_ms']:.1f}" for at in ("p50", "p99")),
                *(f"{one[key]:.1f}" for key in ("search_p50_ms", "search_p99_ms", "exact_p50_ms")),
                *(f"{one[key]:.3f}" for key in ("recall", "worst_recall")),
            ]
            for one in results["sizes"]
        ],
    )
