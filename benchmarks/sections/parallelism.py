"""Ways to be parallel."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    ways = [*results["cases"][0]["ms"]]
    yield (
        f"Each source takes {results['source_ms']:.0f} ms alone. Threads with the GIL: "
        f"{results['gil']}; all else: {results['python']}. The pool has two processes per core."
    )
    yield table(
        ["Waiting", "sources", *(f"{way}, ms" for way in ways)],
        [
            [f"{case['waiting']:.0%}", case["sources"], *(f"{case['ms'][w]:.1f}" for w in ways)]
            for case in results["cases"]
        ],
    )
