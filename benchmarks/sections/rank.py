"""W1 over HTTP, beside FastAPI."""

from collections.abc import Iterator
from typing import Any

from benchmarks.bars import rate_within
from benchmarks.sections.table import table


def section(results: Any) -> Iterator[str]:
    """Yield the paragraphs and tables."""
    work = results["work"]
    yield (
        f"{work['candidates']} candidates of {work['catalogue']:,}, {work['features']} features, "
        f"{work['trees']} trees, MMR to {work['limit']}; medians over {work['repetitions']} "
        f"interleaved repetitions. Answers equal to the plain computation in "
        f"{results['equal']['requests']} requests each, scores within "
        f"{max(results['equal']['largest_difference'].values()):.0e}."
    )
    head = ["", "p50 ms", "p99 ms", "8 at once: p50", "p99", "req/s"]
    head += ["req/s at p99 <= 25 ms", "CPU ms", "store CPU ms", "client CPU ms", "RSS MiB", "PSS"]
    yield table(
        head,
        [
            [
                f"**{one['name']}**: {one['about']}",
                *(f"{one['closed']['1'][key]:.2f}" for key in ("p50_ms", "p99_ms")),
                *(f"{one['closed']['8'][key]:.1f}" for key in ("p50_ms", "p99_ms")),
                f"{one['closed']['8']['per_second']:.0f}",
                f"{rate_within(one):.0f}",
                *(
                    f"{one['closed']['1'][f'{who}_cpu_ms']:.2f}"
                    for who in ("server", "store", "client")
                ),
                *(f"{one['memory_mib'][kind]:.0f}" for kind in ("rss", "pss")),
            ]
            for one in results["contestants"]
        ],
    )
    yield (
        "One request at a time, then eight; then an open loop with Poisson arrivals, latency from "
        "the time a request was due. CPU is per request, one at a time, of all processes and "
        "threads. RSS counts a page in each process that has it; PSS splits it between all of "
        "them, the other contestants and this client included, which flatters those that run alike."
    )
    stages = [*next(iter(results["stages_ms"].values()))]
    yield table(
        ["Stages, ms", *stages],
        [
            [name, *(f"{times.get(stage, 0):.3f}" for stage in stages)]
            for name, times in results["stages_ms"].items()
        ],
    )
