"""Each benchmark's results as Markdown tables."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.bars import AGAIN, rate_within

USERS_OF_CORES = ("replicas", "proxy", "store", "client")


def table(head: Sequence[str], rows: Sequence[Sequence[object]], align: str = "---:") -> str:
    """Return a Markdown table; ``align`` is for every column but the first."""
    rule = ["---", *(align for _ in head[1:])]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))


def _rank(results: Any) -> Iterator[str]:
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


def _crew(results: Any) -> Iterator[str]:
    yield (
        f"A share handed to an awake helper and back: {results['handover_us']:.0f} us; "
        f"to a sleeping one: {results['wake_us']:.0f} us. `Two of their own` is what the machine "
        "has to give at the time: two threads that each score all rows, with nothing between them."
    )
    head = ["Score stage", "rows", "1 thread us", "p99", "crew us", "p99", "times as fast"]
    yield table(
        [*head, "two of their own"],
        [
            [
                one["scorer"],
                one["rows"],
                *(
                    f"{one[way][key]:.0f}"
                    for way in ("1 thread", "crew")
                    for key in ("p50_us", "p99_us")
                ),
                f"{one['speed_up']:.2f}",
                f"{one['ceiling']:.2f}",
            ]
            for one in results["scoring"]
        ],
    )
    yield table(
        ["Whole request", "serial p50 ms", "p99", "crew p50 ms", "p99", "times as fast"],
        [
            [
                name,
                *(
                    f"{run[way][key]:.2f}"
                    for way in ("serial", "crew")
                    for key in ("p50_ms", "p99_ms")
                ),
                f"{run['speed_up']:.2f}",
            ]
            for name, run in results["whole"].items()
        ],
    )
    for work, found in results["under_load"].items():
        curves = found["curves"]
        others = [points for rule, points in curves.items() if rule not in {"crew", AGAIN}]
        yield f"{work} under load; 100 % is {found['capacity_per_second']:.0f} requests/s, serial."
        yield table(
            ["Load", *(f"{rule}: p50 ms, p99" for rule in curves), "crew against the better"],
            [
                [
                    f"{point['load']:.0%}",
                    *(
                        f"{curves[rule][index]['p50_ms']:.2f}, {curves[rule][index]['p99_ms']:.2f}"
                        for rule in curves
                    ),
                    f"{point['p99_ms'] / min(points[index]['p99_ms'] for points in others):.2f}x",
                ]
                for index, point in enumerate(curves["crew"])
            ],
        )


def _http(results: Any) -> Iterator[str]:
    for part in ("edge", "instruments"):
        yield table(
            ["One request at a time", "p50 us", "p99 us", "server CPU us"],
            [
                [
                    name,
                    *(f"{1e3 * run[key]:.0f}" for key in ("p50_ms", "p99_ms", "server_cpu_ms")),
                ]
                for name, run in results[part].items()
                if isinstance(run, dict)
            ],
        )
    yield (
        f"A request's instruments alone take {results['instruments_direct_us']:.1f} us. Over two "
        f"loops {results['instruments']['requests_sent']} requests were answered and "
        f"{results['instruments']['requests_counted']} counted."
    )
    parts = results.get("instruments_parts_us", {})  # of a run since logs and traces are weighed
    yield "\n".join(f"* {name}: {took_us:.1f} us" for name, took_us in parts.items())


def _memory(results: Any) -> Iterator[str]:
    yield table(
        ["Two workers on one table", "PSS MiB", "RSS MiB", "requests/s"],
        [
            [way, *(f"{run[key]:.0f}" for key in ("pss_mib", "rss_mib", "per_second"))]
            for way, run in results["ways"].items()
        ],
    )
    yield (
        "PSS counts a page that two processes share half to each. What is forked after loading "
        "shares its pages until somebody writes: rows that change would be copied, or be stale."
    )


def _retrieval(results: Any) -> Iterator[str]:
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


def _parallelism(results: Any) -> Iterator[str]:
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


def _cases(results: Any) -> Iterator[str]:
    """Return the tables of the benchmarks that time calls in this process (`timing.Figures`)."""
    for case in results if isinstance(results, list) else []:
        if "figures" not in case:
            yield table(
                [case["case"], "figure"], [[k, f"{v:,.6g}"] for k, v in case.items() if k != "case"]
            )
            continue
        extra = [key for key in ("ratio", "error", "same_picks") if key in case]
        title = case.get("case", "") + (
            f", {case['threads']} thread(s)" if "threads" in case else ""
        )
        yield table(
            [title, "p50 us", "p99 us", "CPU us", *extra],
            [
                [
                    name,
                    *(f"{figure[key]:.1f}" for key in ("p50_us", "p99_us", "cpu_us")),
                    *(f"{case[key][name]:.3g}" for key in extra),
                ]
                for name, figure in case["figures"].items()
            ],
        )


def _batch(results: Any) -> Iterator[str]:
    yield (
        f"The same slates, equal item for item, from a catalogue of {results['items']:,}; CPU and "
        "rate are per slate, p50 is per request."
    )
    yield table(
        ["100 users' slates", "slates/s", "times", "p50 ms", "CPU ms", "store CPU", "client CPU"],
        [
            [
                way,
                f"{run['per_second']:.0f}",
                f"{run['times']:.2f}",
                *(f"{run[key]:.2f}" for key in ("p50_ms", "server_cpu_ms", "store_cpu_ms")),
                f"{run['client_cpu_ms']:.2f}",
            ]
            for way, run in results["ways"].items()
        ],
    )


def _offline_batch(results: Any) -> Iterator[str]:
    found = results["candidates"]
    yield (
        f"A slate of 20 for each of {results['users']:,} users, from a catalogue of "
        f"{results['items']:,}: Braid finds {found['braid']} candidates for each itself and writes "
        f"Parquet; the peer is given {found['fastapi']}, and its answers are thrown away."
    )
    yield table(
        ["all users' slates", "slates/s", "times", "CPU ms"],
        [
            [way, f"{run['per_second']:.0f}", f"{run['times']:.2f}", f"{run['cpu_ms']:.2f}"]
            for way, run in results["ways"].items()
        ],
    )


def _surfaces(results: Any) -> Iterator[str]:
    yield (
        f"W2 over HTTP from a catalogue of {results['items']:,}, one client on one connection: "
        "each row is W2 with one thing more, and what that costs beside W2 alone."
    )
    first = next(iter(results["ways"].values()))
    yield table(
        ["W2 with", "p50 ms", "p99 ms", "more at p50", "CPU ms", "store CPU", "client CPU"],
        [
            [
                way,
                f"{run['p50_ms']:.2f}",
                f"{run['p99_ms']:.2f}",
                f"{run['p50_ms'] - first['p50_ms']:+.2f}",
                *(f"{run[f'{who}_cpu_ms']:.2f}" for who in ("server", "store", "client")),
            ]
            for way, run in results["ways"].items()
        ],
    )


def _swap(results: Any) -> Iterator[str]:
    yield (
        f"{results['swaps']} swaps of models that rank the same items otherwise, under an open "
        f"loop of {results['rate']:.0f} requests/s (capacity {results['capacity_per_second']:.0f})."
        f" A swap takes {results['swap_ms']['p50']:.0f} ms (p99 {results['swap_ms']['p99']:.0f}): "
        "read, verified, tried on golden requests, published."
    )
    shares = ("p50_ms", "p95_ms", "p99_ms", "p99.9_ms")
    yield table(
        ["Requests", "count", *(f"{share.removesuffix('_ms')} ms" for share in shares)],
        [
            [
                name,
                f"{results[name]['requests']:.0f}",
                *(f"{results[name].get(share, float('nan')):.2f}" for share in shares),
            ]
            for name in ("during", "outside")
        ],
    )
    first, *_, last = results["rss_mib"]
    yield (
        f"{results['failed']} failed, {results['mixed']} mixed. Memory {first:.0f} MiB before, "
        f"{last:.0f} after. A rollback takes {results['rollback_ms']['p50']:.1f} ms; a second "
        f"replica follows {results['follow_ms']['p50']:.0f} ms after the first has answered."
    )


def _effect(results: Any) -> Iterator[str]:
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


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _feast(results: Any) -> Iterator[str]:
    about, far = results["feast"], results["ways"]["braid, far"]
    yield (
        f"{results['rows']} x {results['features']} float32 from one Valkey, equal bit for bit; "
        f"Feast {about['feast']} on Python {about['python']}, one request at a time. Not in "
        "Feast's time: making an array of its answer, or reading its JSON. The server weighs "
        f"{about['server_memory_mib']['pss']:.0f} MiB (PSS)."
    )
    head = ["Reading", "p50 ms", "p99 ms", "CPU ms", "store CPU ms", "p50, times Braid far"]
    yield table(
        head,
        [
            [
                f"**{name}**: {way['about']}",
                *(
                    _three_digits(way[key])
                    for key in ("p50_ms", "p99_ms", "server_cpu_ms", "store_cpu_ms")
                ),
                _three_digits(way["p50_ms"] / far["p50_ms"]),
            ]
            for name, way in results["ways"].items()
        ],
    )


def _loop(results: Any) -> Iterator[str]:
    yield table(
        ["Stages run", *(f"{company}: p50 ms, p99" for company in ("alone", "beside a slow one"))],
        [
            [name, *(f"{run['p50_ms']:.2f}, {run['p99_ms']:.2f}" for run in kept.values())]
            for name, kept in results["places"].items()
        ],
    )
    yield (
        "Fast requests (25 candidates) by a schedule on one loop, without helpers; the slow "
        "one asks for 5000 candidates over and over. Below: keep-alive connections over two "
        "loops, opened anew in each trial."
    )
    yield table(
        ["Who chooses", "connections", "busier loop's share", "one had all", "req/s", "p99 ms"],
        [
            [
                name,
                connections,
                f"{run['busier_loops_share']:.2f}",
                f"{run['one_loop_had_all']:.0%}",
                f"{run['per_second']:.0f}",
                f"{run['p99_ms']:.1f}",
            ]
            for name, kept in results["choosers"].items()
            for connections, run in kept.items()
        ],
    )
    yield "A connection with one request on it: " + ", ".join(
        f"{name} {took:.0f} us" for name, took in results["connecting_us"].items()
    )


def _predictions(title: str, points: Any) -> str:
    """Return measured and predicted latencies side by side."""
    return table(
        [f"{title}, requests/s", "p50 ms", "predicted", "", "p99 ms", "predicted", ""],
        [
            [
                f"{point['rate']:.0f}",
                *(
                    cell
                    for key in ("p50_ms", "p99_ms")
                    for cell in (
                        f"{point['measured'][key]:.2f}",
                        f"{point['predicted'][key]:.2f}",
                        f"{point[f'{key}_error']:+.0%}",
                    )
                ),
            ]
            for point in points
        ],
    )


def _capacity(results: Any) -> Iterator[str]:
    for loops, found in results["checked"].items():
        yield _predictions(f"{loops} loop(s)", found["points"])
    machines = [*results["sizes"][0]["machines"]]
    yield table(
        [
            f"Loops a machine; requests/s at p99 <= {results['limit_ms']:.0f} ms on",
            *(f"{count} machine(s)" for count in machines),
        ],
        [
            [size["loops"], *(f"{size['machines'][count]:,.0f}" for count in machines)]
            for size in results["sizes"]
        ],
    )


def _replicas(results: Any) -> Iterator[str]:
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
        yield _predictions(f"{count} replica(s)", found["points"])


def _trust(results: Any) -> Iterator[str]:
    yield (
        f"W1, one request at a time, {results['requests']} requests each, block by block in turn; "
        f"all servers are started anew for each of {results['rounds']} rounds. The ratio of "
        "medians is of one round: the middle one, the lowest, the highest."
    )
    for against, ways in (("nothing", results["ways"]), ("before", results["before"])):
        if ways is not None:
            yield table(
                ["", "p50 ms", "p99 ms", f"against {against}", "lowest", "highest"],
                [
                    [
                        name,
                        f"{way['p50_ms']:.3f}",
                        f"{way['p99_ms']:.3f}",
                        *(f"{way[key]:.3f}x" for key in ("ratio", "lowest", "highest")),
                    ]
                    for name, way in ways.items()
                ],
            )


def _size(results: Any) -> Iterator[str]:
    yield (
        "64 dimensions in clusters, 16 features, 10 neighbours, three properties an item, mapped. "
        "Ready: from the start of a replica's process to its first 200; memory of two replicas "
        "after their requests. Retrieve is `Server-Timing` of strangers with a session; search is "
        "the best 500 on one thread, its recall against the exact scan."
    )
    head = [
        "items",
        "artifact MiB",
        "mapped",
        "laid out s",
        "with MiB",
        "ready s",
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
                *(" + ".join(f"{mib:.0f}" for mib in one[key]) for key in ("rss_mib", "pss_mib")),
                *(f"{one['asked'][f'retrieve_{at}_ms']:.1f}" for at in ("p50", "p99")),
                *(f"{one[key]:.1f}" for key in ("search_p50_ms", "search_p99_ms", "exact_p50_ms")),
                *(f"{one[key]:.3f}" for key in ("recall", "worst_recall")),
            ]
            for one in results["sizes"]
        ],
    )


def _overload(results: Any) -> Iterator[str]:
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


def _offline(results: Any) -> Iterator[str]:
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


SECTIONS: dict[str, tuple[str, Callable[[Any], Iterator[str]]]] = {
    "rank": ("W1 over HTTP, beside FastAPI", _rank),
    "crew": ("One request on two threads", _crew),
    "batch": ("A hundred slates at once", _batch),
    "offline_batch": ("All users' slates ahead of time", _offline_batch),
    "offline": ("Features and examples by DuckDB and by Spark", _offline),
    "features": ("Feature rows, near and far", _cases),
    "cluster": ("Feature rows from a cluster", _cases),
    "feast": ("Feature rows beside Feast", _feast),
    "forest": ("The forest kernel", _cases),
    "rerank": ("Re-ranking kernels", _cases),
    "stages": ("The stages around scoring, warm and cold", _cases),
    "filters": ("Filters", _cases),
    "retrieval": ("Vector search", _retrieval),
    "size": ("Large catalogues", _size),
    "http": ("HTTP, JSON and the instruments", _http),
    "loop": ("Where stages run, and who chooses the loop", _loop),
    "capacity": ("A capacity model, and the truth", _capacity),
    "replicas": ("Replicas behind HAProxy, predicted and measured", _replicas),
    "memory": ("Memory", _memory),
    "parallelism": ("Serial, asyncio, processes, threads, free threads", _parallelism),
    "swap": ("Models swapped under load", _swap),
    "surfaces": ("W2, and what each setting of a surface costs", _surfaces),
    "overload": ("More than can be done, beside FastAPI", _overload),
    "trust": ("What guards the service, and its cost on W1", _trust),
    "effect": ("From an event to its effect", _effect),
}
"""Every benchmark that the report knows, in its order: title, and results to Markdown."""
