"""The bars B1-B13: what each asks, and whether a benchmark's results meet it.

The benchmarks measure and do not judge; the judging is here, and only here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

P99_LIMIT_MS = 25.0
AGAIN = "serial, again"
"""The serial server measured once more: what the machine's noise does to a ratio."""
W1_ROWS = 1000

type Results = Any
"""What a benchmark printed as JSON under "results"."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A bar's figure, its peers' figure, and whether the bar is met."""

    figure: str
    peer: str
    met: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; ``benchmark`` is the script that measures it, None while there is none."""

    id: str
    what: str
    bar: str
    benchmark: str | None
    judge: Callable[[Results], Verdict] | None = None


def rate_within(contestant: Results, limit_ms: float = P99_LIMIT_MS) -> float:
    """Return the highest rate of the open loop that kept its p99 within the limit, 0 if none."""
    kept = [
        point["rate"]
        for point in contestant["open"]
        if point["p99_ms"] <= limit_ms and not point["failed"]
    ]
    return max(kept, default=0.0)


def _b1(results: Results) -> Verdict:
    contestants = {one["name"]: one["closed"]["1"] for one in results["contestants"]}
    ours = contestants["braid"]
    peers = {name: run for name, run in contestants.items() if name.startswith("fastapi")}
    least = {
        kind: min(run[kind] / ours[kind] for run in peers.values()) for kind in ("p50_ms", "p99_ms")
    }
    return Verdict(
        f"p50 {ours['p50_ms']:.2f} ms, p99 {ours['p99_ms']:.2f} ms; "
        f"{least['p50_ms']:.1f}x and {least['p99_ms']:.1f}x lower than the nearest peer's",
        "; ".join(f"{name} {r['p50_ms']:.1f}, {r['p99_ms']:.1f}" for name, r in peers.items()),
        min(least.values()) >= 5,
    )


def _b2(results: Results) -> Verdict:
    rates = {one["name"]: rate_within(one) for one in results["contestants"]}
    peers = {name: rate for name, rate in rates.items() if name.startswith("fastapi")}
    best, ours = max(peers.values()), rates["braid"]
    times = f"{ours / best:.1f}x the best peer's" if best else "no peer keeps it at any rate"
    return Verdict(
        f"{ours:.0f} requests/s; {times}",
        "; ".join(f"{name} {rate:.0f}" for name, rate in peers.items()),
        ours > 0 and ours >= 4 * best,
    )


def _b3(results: Results) -> Verdict:
    ways = results["ways"]
    share = ways["threads"]["pss_mib"] / ways["processes"]["pss_mib"]
    return Verdict(
        f"{share:.2f}x: {ways['threads']['pss_mib']:.0f} MiB, "
        f"{ways['threads']['per_second']:.0f} requests/s",
        f"two processes {ways['processes']['pss_mib']:.0f} MiB, "
        f"{ways['processes']['per_second']:.0f} requests/s; forked after loading, "
        f"read-only {ways['forked']['pss_mib']:.0f} MiB",
        share <= 0.6,
    )


def _b4(results: Results) -> Verdict:
    def scoring(kind: str) -> tuple[float, float]:
        found = [one for one in results["scoring"] if one["scorer"].startswith(kind)]
        nearest = min(found, key=lambda one: abs(one["rows"] - W1_ROWS))
        return nearest["speed_up"], nearest["ceiling"]

    (native, most_native), (python, most_python) = scoring("forest"), scoring("plain Python")
    whole = {name: run["speed_up"] for name, run in results["whole"].items()}
    return Verdict(
        f"score stage {native:.2f}x native, {python:.2f}x W3; whole request "
        + ", ".join(f"{name} {times:.2f}x" for name, times in whole.items()),
        f"one thread; two threads with nothing between them give {most_native:.2f}x and "
        f"{most_python:.2f}x here; a hand-over costs {results['handover_us']:.0f} us",
        native >= 1.8 and python >= 1.6 and whole["W1"] >= 1.5,
    )


def _b5(results: Results) -> Verdict:
    ratios, noise = dict[str, float](), list[float]()
    for work, found in results["under_load"].items():
        curves = found["curves"]
        for index, point in enumerate(curves["crew"]):
            serial, parallel, again = (
                curves[rule][index]["p99_ms"] for rule in ("serial", "always parallel", AGAIN)
            )
            ratios[f"{work} at {point['load']:.0%}"] = point["p99_ms"] / min(serial, parallel)
            noise.append(max(serial, again) / min(serial, again))
    at, worst = max(ratios.items(), key=lambda pair: pair[1])
    return Verdict(
        f"at worst {worst:.2f}x ({at}), {median(ratios.values()):.2f}x in the middle; "
        f"the noise of this machine: up to {max(noise):.2f}x, {median(noise):.2f}x in the middle",
        "the better of always serial and always parallel; noise: serial beside itself",
        worst <= 1.05,
    )


def _case(results: Results, *starts: str) -> Results:
    """Return the first case whose name starts so; where there is none, as the next one says."""
    return next(case for start in starts for case in results if case["case"].startswith(start))


def _p50_us(case: Results, name: str) -> float:
    return float(case["figures"][name]["p50_us"])


def _b6(results: Results) -> Verdict:
    # The tiny form has smaller tables only.
    case = _case(results, f"near, {W1_ROWS} x 64 of 100,000", f"near, {W1_ROWS} x 64")
    ours, take = _p50_us(case, "braid"), _p50_us(case, "numpy.take")
    return Verdict(
        f"{ours:.1f} us, {ours / take:.2f}x", f"numpy.take {take:.1f} us", ours <= 2 * take
    )


def _b7(results: Results) -> Verdict:
    case = _case(results, f"far, {W1_ROWS} x 64")
    ours, bare = _p50_us(case, "braid"), _p50_us(case, "bare socket, thrown away")
    plain = _p50_us(case, "redis-py")
    return Verdict(
        f"{ours:.0f} us: {ours / bare:.2f}x a bare socket, {plain / ours:.1f}x less than redis-py",
        f"bare socket {bare:.0f} us, redis-py {plain:.0f} us",
        ours <= 1.5 * bare and plain >= 3 * ours,
    )


def _b8(results: Results) -> Verdict:
    one = _case([case for case in results if case["threads"] == 1], "wide, structured: 1000 x 64")
    ratio, error = one["ratio"], one["error"]["braid"]
    rest = ("lightgbm", "onnxruntime", "tl2cgen")
    return Verdict(
        f"{one['figures']['braid']['p50_us']:.0f} us; "
        + ", ".join(f"{ratio[name]:.1f}x {name}" for name in rest if name in ratio)
        + f"; scores within {error:.0e}",
        ", ".join(
            f"{name} {one['figures'][name]['p50_us']:.0f} us" for name in rest if name in ratio
        ),
        ratio["lightgbm"] >= 4 and ratio.get("onnxruntime", 0.0) >= 2 and error <= 1e-5,
    )


def _b9(results: Results) -> Verdict:
    most = max(one["vectors"] for one in results["sizes"])
    figures, peers, met = [], [], True
    for one in results["sizes"]:
        if one["vectors"] < most:
            continue
        took, recall = one["ms"], one["recall"]["braid, sketch"]
        exact, sketch, flat = took["braid, exact"], took["braid, sketch"], took.get("faiss flat", 0)
        share = took["read memory, 1 thread(s)"] / exact
        figures.append(
            f"{one['data']}: {exact:.1f} ms, {share:.0%} of memory's bandwidth, "
            f"{flat / exact:.2f}x faiss flat; sketch {sketch:.2f} ms ({exact / sketch:.0f}x less), "
            f"recall {recall:.3f}"
        )
        peers.append(f"faiss flat {flat:.1f} ms, numpy {took['numpy']:.1f} ms")
        met &= share >= 0.8 and flat >= exact and recall >= 0.95 and exact >= 10 * sketch
    return Verdict("; ".join(figures), "; ".join(peers), met)


def _b10(results: Results) -> Verdict:
    cases = {name: _case(results, f"{name}, 500 -> 50") for name in ("mmr", "dpp")}
    took = {name: _p50_us(case, "braid") / 1e3 for name, case in cases.items()}
    return Verdict(
        ", ".join(f"{name.upper()} {ms:.3f} ms" for name, ms in took.items()),
        ", ".join(
            f"{name} by numpy {_p50_us(case, 'numpy') / 1e3:.2f} ms, "
            f"same picks {case['same_picks']['numpy']:.0%}"
            for name, case in cases.items()
        ),
        max(took.values()) <= 0.3
        and all(case["same_picks"]["numpy"] == 1 for case in cases.values()),
    )


def _b11(results: Results) -> Verdict:
    bare, edge = (results["edge"][name]["p50_ms"] for name in ("bare uvicorn", "braid's edge"))
    prepared = results["edge"]["edge, answer prepared"]["p50_ms"]
    allowed = 1.3 * bare + 0.03
    return Verdict(
        f"{edge * 1e3:.0f} us with naming the items, {prepared * 1e3:.0f} us without",
        f"bare uvicorn {bare * 1e3:.0f} us, so {allowed * 1e3:.0f} us allowed",
        edge <= allowed,
    )


def _b12(results: Results) -> Verdict:
    found = results["instruments"]
    on, off = found["instruments on"]["p50_ms"], found["instruments off"]["p50_ms"]
    exact = found["requests_counted"] == found["requests_sent"]
    direct = results["instruments_direct_us"]
    return Verdict(
        f"{on / off - 1:+.1%} of W1's p50; alone {direct:.1f} us ({direct / 1e3 / on:.1%}); "
        f"{found['requests_counted']} of {found['requests_sent']} requests counted",
        f"instruments off: {off:.3f} ms",
        on / off <= 1.01 and exact,
    )


def _b13(results: Results) -> Verdict:
    during, outside = results["during"], results["outside"]
    p99, calm = during.get("p99_ms", float("inf")), outside.get("p99_ms", float("inf"))
    return Verdict(
        f"{results['swaps']} swaps, {during['requests'] + outside['requests']:.0f} requests at "
        f"{results['rate']:.0f}/s: {results['failed']} failed, {results['mixed']} mixed; "
        f"p99 {p99:.1f} ms during a swap, {p99 / calm:.2f}x",
        f"p99 {calm:.1f} ms outside of swaps",
        not results["failed"]
        and not results["mixed"]
        and not results["refused"]
        and p99 <= 1.2 * calm,
    )


BARS = (
    Bar("B1", "W1, one request in flight", "p50, p99 >= 5x lower than each peer's", "rank", _b1),
    Bar("B2", "W1, requests/s at p99 <= 25 ms", ">= 4x each peer's", "rank", _b2),
    Bar("B3", "memory, 1 GB table, both cores", "<= 0.6x of two processes", "memory", _b3),
    Bar(
        "B4",
        "one request, two threads against one",
        "score >= 1.8x native, >= 1.6x W3; whole request >= 1.5x",
        "crew",
        _b4,
    ),
    Bar(
        "B5",
        "parallelism under load, 0-120 %",
        "p99 <= 1.05x the better of always serial and always parallel",
        "crew",
        _b5,
    ),
    Bar("B6", "features, near cache warm, 1000 x 64", "<= 2x one numpy.take", "features", _b6),
    Bar(
        "B7",
        "features, near cache cold, 1000 x 64",
        "<= 1.5x a bare socket; >= 3x faster than redis-py",
        "features",
        _b7,
    ),
    Bar(
        "B8",
        "forest, 1000 x 64, one thread",
        ">= 4x LightGBM, >= 2x onnxruntime; within 1e-5",
        "forest",
        _b8,
    ),
    Bar(
        "B9",
        "exact top-500 of 1 M x 64",
        ">= 80 % of memory's bandwidth, >= 1x faiss flat; approximate: recall >= 0.95, 10x less",
        "retrieval",
        _b9,
    ),
    Bar("B10", "MMR and DPP, 500 -> 50", "<= 0.3 ms each, same picks", "rerank", _b10),
    Bar("B11", "HTTP, decode, validate, encode", "<= 1.3x bare uvicorn + 30 us", "http", _b11),
    Bar("B12", "instruments on against off", "<= 1 % of W1's p50; exact counts", "http", _b12),
    Bar("B13", "model swap under load", "0 failed, 0 mixed, p99 <= 1.2x", "swap", _b13),
)
