"""Plan fleets: what breaks first on the way to 100,000 requests a second, and what it costs.

    python -m benchmarks.plan [--short | --tiny]

Reads what `make bench BENCH=replicas` and `BENCH=rank` have measured, simulates fleets of up to
1000 machines, and writes the figures into docs/capacity.md between its marks, and its pictures.
What is assumed and was not measured is in `Assumed`.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.near_hits import hit_rate, zipf
from benchmarks.options import Options, parse, say
from benchmarks.plan_plots import draw_all
from benchmarks.sections.table import table
from benchmarks.servers import ROOT
from benchmarks.simulation.fleet import Fleet, Trouble, run

FIGURES, PAGE = ROOT / "benchmarks" / "figures", ROOT / "docs" / "capacity.md"
BEGIN, END = "<!-- written by benchmarks.plan -->", "<!-- to here -->"
RATE = 100_000.0
RATES = (1_000, 10_000, 100_000, 1_000_000)
CORES_PER_MACHINE = 2
FILLED = 0.6
"""Of a loop's time: what `docs/capacity.md` plans with."""
FILLED_SHARED = 0.5
"""Of a proxy's or a shard's: what all requests go through must not be what they wait for."""
ROWS = 1000
WINDOWS = 20


@dataclass(frozen=True)
class Assumed:
    """What was not measured here, in the units of the names; change it and run again."""

    core_hour_dollars: float = 0.04
    proxy_threads: int = 4
    network_ms: float = 0.3
    link_gbit: float = 10.0
    events_per_request: float = 0.2
    event_store_us: float = 32.0  # measured: docs/decisions/0014
    row_store_us: float = 1.0  # measured: `rank`, without a near cache
    answer_bytes: int = 6_000


def needed(seconds_per_request: float, rate: float, filled: float) -> int:
    """Return how many servers of one thread keep within that share of their time."""
    return max(1, int(np.ceil(seconds_per_request * rate / filled)))


def fleet_for(found: Any, rate: float, assumed: Assumed) -> Fleet:
    """Size every part for a rate by the rule of thumb."""
    weighed = found["weighed"]
    loop = np.array(weighed["busy_loop_ms"]) / 1e3
    costs = weighed["cpu_ms"]["in bursts"]
    proxy_s, store_s = (costs[name] / 1e3 for name in ("proxy", "store"))
    shard_s = store_s + assumed.events_per_request * assumed.event_store_us / 1e6
    loops = needed(float(loop.mean()), rate, FILLED)
    return Fleet(
        machines=-(-loops // CORES_PER_MACHINE),
        loops=CORES_PER_MACHINE,
        proxies=-(-needed(proxy_s, rate, FILLED_SHARED) // assumed.proxy_threads),
        proxy_threads=assumed.proxy_threads,
        shards=needed(shard_s, rate, FILLED_SHARED),
        loop=loop,
        proxy=proxy_s,
        shard=shard_s,
        network=assumed.network_ms / 1e3,
    )


def sizes(found: Any, requests: int, assumed: Assumed) -> Iterator[dict[str, Any]]:
    """Simulate a fleet of the right size for each rate."""
    for rate in RATES:
        fleet = fleet_for(found, rate, assumed)
        say(f"{rate:,} requests/s on {fleet.machines} machines")
        outcome = run(fleet, rate, requests)
        yield {
            "rate": rate,
            "machines": fleet.machines,
            "proxies": fleet.proxies,
            "shards": fleet.shards,
            "p50_ms": float(np.median(outcome.took_s) * 1e3),
            "p99_ms": outcome.p99_ms(),
            "loop": outcome.loop_share,
            "proxy": outcome.proxy_share,
            "shard": outcome.shard_share,
        }


def limits(found: Any, assumed: Assumed) -> list[dict[str, Any]]:
    """Return the rate at which one of each kind has no time left, the scarcest first."""
    fleet = fleet_for(found, RATE, assumed)
    user_s = found["weighed"]["cpu_ms"]["in bursts"]["store"] / 1e3
    wire = found["weighed"]["request_bytes"] + assumed.answer_bytes
    kept = {
        "an event loop (one core)": 1 / float(fleet.loop.mean()),
        "a store with nothing near: 1000 rows a request": 1e6 / (ROWS * assumed.row_store_us),
        "a proxy's thread": 1 / fleet.proxy,
        "a store that also takes the events": 1 / fleet.shard,
        "a store's reads of users": 1 / user_s,
        f"a proxy's link of {assumed.link_gbit:g} Gbit/s": assumed.link_gbit * 1e9 / 8 / wire,
    }
    return [
        {"what": what, "rate": rate, "for": int(np.ceil(RATE / rate))}
        for what, rate in sorted(kept.items(), key=lambda pair: pair[1])
    ]


def troubles(found: Any, requests: int, assumed: Assumed) -> Iterator[dict[str, Any]]:
    """Simulate what goes wrong at 100,000 requests a second; p99 in each window of time."""
    fleet = fleet_for(found, RATE, assumed)
    lost = max(1, fleet.machines // 20)
    span_s = requests / RATE
    at_s, noticed_s = span_s / 4, span_s / 4
    cases = {
        "all well": Trouble(),
        f"{lost} of {fleet.machines} processes killed": Trouble(
            lost=lost, at_s=at_s, noticed_s=noticed_s
        ),
        f"{lost} machines gone, 500 ms to connect": Trouble(
            lost=lost, at_s=at_s, noticed_s=noticed_s, connect_s=0.5
        ),
        f"{lost} machines gone, 50 ms to connect": Trouble(
            lost=lost, at_s=at_s, noticed_s=noticed_s, connect_s=0.05
        ),
        "one user is 10 % of the requests": Trouble(hot=0.1),
        "one user is 40 % of the requests": Trouble(hot=0.4),
    }
    edges = np.linspace(0, span_s, WINDOWS + 1)
    for name, trouble in cases.items():
        say(name)
        outcome = run(fleet, RATE, requests, trouble)
        yield {
            "case": name,
            "p99_ms": outcome.p99_ms(),
            "windows_s": edges[:-1].tolist(),
            "windows_p99_ms": [
                outcome.p99_ms(start, stop) for start, stop in pairwise(edges.tolist())
            ],
            "shard": outcome.shard_share,
            "machines": fleet.machines,
        }


def costs(rank: Any, assumed: Assumed) -> list[dict[str, Any]]:
    """Return dollars per million requests of W1, by measured CPU seconds under load."""
    found = []
    for one in rank["contestants"]:
        busy = one["closed"]["8"]
        cpu_ms = busy["server_cpu_ms"] + busy["store_cpu_ms"]
        core_hours = cpu_ms / 1e3 * 1e6 / 3600 / FILLED
        found.append(
            {
                "name": one["name"],
                "cpu_ms": cpu_ms,
                "core_hours": core_hours,
                "dollars": core_hours * assumed.core_hour_dollars,
                "cores": RATE * cpu_ms / 1e3 / FILLED,
            }
        )
    return found


def hits() -> list[dict[str, Any]]:
    """Return near-cache hit rates by skew and by how much of the catalogue fits."""
    items, shares = 1_000_000, (0.01, 0.05, 0.1, 0.25, 0.5)
    return [
        {
            "skew": skew,
            **{f"{share:g}": hit_rate(zipf(items, skew), share * items) for share in shares},
        }
        for skew in (0.0, 0.6, 0.8, 1.0, 1.2)
    ]


def section(results: dict[str, Any], assumed: Assumed, about: str) -> str:
    """Return what goes between the marks of the page."""
    parts = [about, "### What breaks first"]
    parts.append(
        table(
            ["One of these", "is full at requests/s", f"so for {RATE:,.0f}/s, all of them full"],
            [[one["what"], f"{one['rate']:,.0f}", f"{one['for']:,}"] for one in results["limits"]],
        )
    )
    parts += ["### Fleets", "![Fleets under load and in trouble](capacity-fleet.svg)"]
    head = ["requests/s", "machines of 2 cores", f"proxies of {assumed.proxy_threads} threads"]
    head += ["shards", "p50 ms", "p99 ms", "busiest machine", "proxy", "shard"]
    parts.append(
        table(
            head,
            [
                [
                    f"{one['rate']:,}",
                    *(f"{one[key]:,}" for key in ("machines", "proxies", "shards")),
                    *(f"{one[key]:.1f}" for key in ("p50_ms", "p99_ms")),
                    *(f"{one[key]:.0%}" for key in ("loop", "proxy", "shard")),
                ]
                for one in results["sizes"]
            ],
        )
    )
    parts += [f"### Trouble at {RATE:,.0f} requests/s"]
    parts.append(
        table(
            ["", "p99 ms", "of the worst moment", "busiest shard"],
            [
                [
                    one["case"],
                    f"{one['p99_ms']:.1f}",
                    f"{max(one['windows_p99_ms']):.1f}",
                    f"{one['shard']:.0%}",
                ]
                for one in results["troubles"]
            ],
        )
    )
    parts += ["### Cost", "![Cost of a million requests](capacity-cost.svg)"]
    parts.append(
        table(
            ["", "CPU ms a request", "core-hours a million", "dollars", f"cores for {RATE:,.0f}/s"],
            [
                [
                    one["name"],
                    f"{one['cpu_ms']:.2f}",
                    f"{one['core_hours']:.2f}",
                    f"{one['dollars']:.3f}",
                    f"{one['cores']:,.0f}",
                ]
                for one in results["costs"]
            ],
        )
    )
    parts += ["### Hits of the near cache", "![Hits of the near cache](capacity-hits.svg)"]
    shares = [key for key in results["hits"][0] if key != "skew"]
    parts.append(
        table(
            [
                "Zipf's exponent; share of the catalogue that fits",
                *(f"{float(s):.0%}" for s in shares),
            ],
            [[one["skew"], *(f"{one[s]:.0%}" for s in shares)] for one in results["hits"]],
        )
    )
    return "\n\n".join(parts)


def put(page: Path, text: str) -> None:
    """Put the text between the marks."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"{page.name} lacks {BEGIN}"
    assert end, f"{page.name} lacks {END}"
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def kept(name: str) -> Any:
    """Return the figures that a benchmark left."""
    path = FIGURES / f"{name}.json"
    if not path.exists():
        sys.exit(f"no {path.relative_to(ROOT)}: run make bench BENCH={name} first")
    return json.loads(path.read_text())


def plan(options: Options) -> dict[str, Any]:
    """Simulate and count."""
    assumed = Assumed()
    found, rank = kept("replicas")["results"], kept("rank")["results"]
    requests = options.pick(200_000, 40_000, 2_000)
    return {
        "limits": limits(found, assumed),
        "sizes": [*sizes(found, requests, assumed)],
        "troubles": [*troubles(found, requests, assumed)],
        "costs": costs(rank, assumed),
        "hits": hits(),
        "checked": found,
    }


def main() -> None:
    """Plan, write the page and draw the pictures."""
    options = parse(__doc__ or "")
    results, assumed = plan(options), Assumed()
    figures = kept("replicas")
    about = (
        f"From figures of {figures['machine']['date'][:10]} on {figures['machine']['processor']}, "
        f"{figures['machine']['cores']} cores ({figures['size']}). Assumed, not measured: "
        f"{assumed.network_ms:g} ms on wires, {assumed.events_per_request:g} events a request, "
        f"answers of {assumed.answer_bytes:,} bytes, {assumed.core_hour_dollars:g} dollars a "
        "core-hour. "
        f"Loops are planned {FILLED:.0%} full, proxies and shards {FILLED_SHARED:.0%}."
    )
    put(PAGE, section(results, assumed, about))
    draw_all(results, PAGE.parent)


if __name__ == "__main__":
    main()
