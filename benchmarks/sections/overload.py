"""More than can be done."""

from collections.abc import Iterator
from typing import Any

from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    yield (
        "W1 offered in an open loop, Poisson arrivals; one event loop without helpers, one worker "
        f"for the peer; {results['seconds']:g} s a load. `good` is a 200 within the deadline of "
        "being due, `less` are answers for which less was scored. `capacity` is a closed loop of "
        "two. Cores are used seconds per second; what a refusal took is from its sending, as the "
        "client sees it."
    )
    head = ["", "times", "offered/s", "good/s", "of best", "less/s", "refused/s", "p50 ms", "p99"]
    head += ["refusal p50", "p99", "server's cores", "client's"]
    rows = []
    for one in results["contestants"]:
        best = max(point["good"] for point in one["points"])
        name = f"**{one['name']}**, {one['capacity']:.0f}/s, {one['deadline_ms']:.0f} ms"
        for point in one["points"]:
            times = ("p50_ms", "p99_ms", "refusal_p50_ms", "refusal_p99_ms")
            rows.append(
                [
                    name,
                    f"{point['load']:g}",
                    f"{point['offered']:.0f}",
                    f"{point['good']:.0f}",
                    f"{point['good'] / best:.0%}" if best else "",
                    f"{point['reduced']:.0f}",
                    f"{point['refused']:.0f}",
                    *(f"{point[key]:.1f}" if key in point else "" for key in times),
                    f"{point['server_cores']:.2f}",
                    f"{point['client_cores']:.2f}",
                ]
            )
            name = ""
    yield table(head, rows)
