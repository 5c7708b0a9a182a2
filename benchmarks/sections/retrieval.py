"""Vector search."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    for one in results["sizes"]:
        floor = one["ms"]["read memory, 1 thread(s)"]
        title = f"Best {one['k']} of {one['vectors']:,} x {one['dimensions']}, {one['data']}"
        yield table(
            [title, "p50 ms", "best ms", "GB/s", "recall"],
            [
                [
                    name,
                    f"{took:.2f}",
                    f"{one['best_ms'][name]:.2f}",
                    ""
                    if "HNSW" in name or "sketch" in name
                    else f"{one['megabytes'] / 1e3 / (took / 1e3):.1f}",
                    f"{one['recall'][name]:.3f}" if name in one["recall"] else "",
                ]
                for name, took in sorted(one["ms"].items(), key=lambda pair: pair[1])
            ],
        )
        built = one["index_built_s"]
        yield (
            f"One thread reads all of it in {floor:.1f} ms. The sketch has "
            f"{one['sketch_megabytes']:.0f} MB and was drawn in {one['sketch_drawn_s']:.1f} s; "
            + (f"HNSW was built in {built:.0f} s." if built else "no HNSW was built.")
            + f" faiss {one['faiss']}, in a process of its own, timed by itself."
        )
