"""Features and examples by DuckDB and by Spark."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    engines = {name: results[name] for name in ("duckdb", "spark")}
    steps = [*engines["duckdb"]["steps_s"]]
    yield table(
        ["Seconds", "rows", *engines, "identical"],
        [
            [
                step,
                f"{results['rows'][step]:,}",
                *(one["steps_s"][step] for one in engines.values()),
                "yes" if results["identical"][step] else "**no**",
            ]
            for step in steps
        ],
    )
    loads = ", ".join(f"{name} {one['load_average']}" for name, one in engines.items())
    whole = ", ".join(f"{name} {one['seconds']} s" for name, one in engines.items())
    yield (
        f"{results['interactions']:,} interactions; `{results['recipe']}`. All in all {whole}; "
        f"load average at the end: {loads}."
    )
