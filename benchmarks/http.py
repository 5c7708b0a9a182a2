"""Time what is around the ranking: HTTP and JSON, and the instruments (bars B11, B12).

    python -m benchmarks.http [--short | --tiny] [--json]

W1's body goes to a bare uvicorn app that sends constant bytes of the same length as Braid's
answer; to Braid with the ranking left out; and to Braid with the answer's struct made beforehand
as well. One event loop each, one request at a time. Then W1 whole, by one process that turns its
instruments on and off; with no request logged and traced, with one in a hundred, and with every
one; and whether the counters count every request that several threads answered.
"""

import re
import sys
import threading
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from time import perf_counter, perf_counter_ns, thread_time_ns
from typing import Any

import numpy as np

from benchmarks import servers
from benchmarks.client import Connection, closed_loop, good
from benchmarks.meter import Meter, middle
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import Server
from benchmarks.sink import sink
from benchmarks.standard import Ground, ground, request, wishes
from benchmarks.variants import TURN_S
from features.address import Address
from service.crew import Done
from service.http.endpoint import new_request_id
from service.http.wire import Coverage, SlateAnswer
from service.logs.render import renderer
from service.logs.wide import WideLog
from service.observe.asker import Told
from service.observe.ended import Ended
from service.observe.flight import Flight
from service.observe.link import Link
from service.observe.recorder import Recorder
from service.observe.reports import Reports
from service.observe.sample import Sample
from service.observe.spans import Trace
from service.trace.collector import Collector
from service.trace.destination import Destination
from service.trace.exporter import Exporter
from service.trace.otlp import message
from service.trace.sampler import Sampler
from service.trace.spans import Spans
from service.trace.tracer import Tracer

SILENT = ("--log-sample", "0", "--slow-ms", "0")
SETTLED = 10
"""Requests of a turn that are left out: the first have other caches than those that follow."""
WHOLE = ("--log-sample", "1", "--trace-sample", "1")
STAGES = ("context", "retrieve", "features", "score", "rerank", "encode")


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    items: int
    trees: int
    repetitions: int
    seconds: float
    turns: int
    counted: int
    records: int


def plan(options: Options) -> Plan:
    """Return what goes with the size."""
    return options.pick(
        full=Plan(100_000, 200, 15, 1.0, 250, 4000, 20_000),
        short=Plan(20_000, 200, 5, 0.5, 60, 800, 5000),
        tiny=Plan(2_000, 5, 1, 0.05, 2, 40, 50),
    )


def bare(stack: ExitStack, base: Ground, answer: bytes, probe: bytes) -> Server:
    """Start the bare app with an answer of this length."""
    say("start bare uvicorn")
    port = servers.free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.bare:app", "--port", str(port)]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    command += ["--log-level", "warning"]
    log, size = base.world.folder / f"{port}.log", {"BARE_BYTES": str(len(answer))}
    return stack.enter_context(servers.serving("bare uvicorn", command, port, probe, log, size))


def serve(
    stack: ExitStack,
    base: Ground,
    name: str,
    variant: str | None,
    probe: bytes,
    loops: int = 1,
    more: Sequence[str] = (),
) -> Server:
    """Start Braid or a variant of it."""
    say(f"start {name}")
    port = servers.free_port()
    flags = [
        "--redis",
        base.url,
        "--artifact",
        str(base.world.artifact),
        "--loops",
        str(loops),
        *more,
    ]
    command = servers.braid(port, *flags, variant=variant)
    log = base.world.folder / f"{port}.log"
    return stack.enter_context(servers.serving(name, command, port, probe, log))


def take_turns(
    rivals: Sequence[Server], requests: Sequence[bytes], todo: Plan, meter: Meter
) -> dict[str, dict[str, float]]:
    """Ask each for a while, one request at a time, turn by turn."""
    runs: dict[str, list[dict[str, float]]] = {rival.name: [] for rival in rivals}
    for rival in rivals:
        closed_loop(rival.address, requests, 1, todo.seconds)
    for repetition in range(todo.repetitions):
        turn = repetition % len(rivals)
        for rival in [*rivals[turn:], *rivals[:turn]]:
            say(f"repetition {repetition + 1}/{todo.repetitions}: {rival.name}")
            run = meter(rival, lambda: closed_loop(rival.address, requests, 1, todo.seconds))  # noqa: B023  called at once
            runs[rival.name].append(run)
    return {name: middle(repeated) for name, repeated in runs.items()}


def edges(base: Ground, requests: Sequence[bytes], todo: Plan) -> dict[str, dict[str, float]]:
    """Time the bare app and Braid's edge."""
    with ExitStack() as stack:
        edge = serve(stack, base, "braid's edge", "edge", requests[0])
        prepared = serve(stack, base, "edge, answer prepared", "prepared-edge", requests[0])
        connection = Connection(edge.address)
        answer = connection.ask(requests[0])
        connection.close()
        assert good(answer), answer.body[:300]
        least = bare(stack, base, answer.body, requests[0])
        return take_turns([least, edge, prepared], requests, todo, Meter(base.store))


def instruments(base: Ground, requests: Sequence[bytes], todo: Plan) -> dict[str, Any]:
    """Time W1 with the instruments and without, and hold the counters to the truth."""
    with ExitStack() as stack:
        to = ("--traces", stack.enter_context(sink()))
        probe = requests[0]
        both = serve(stack, base, "by turns", "instrumented-by-turns", probe, 2, to)
        found = by_turns(both, requests, todo.turns)
        quiet = serve(stack, base, "no logs, no traces", None, probe, 2, SILENT)
        on = serve(stack, base, "one in a hundred logged and traced", None, probe, 2, to)
        whole = serve(stack, base, "all logged, all traced", None, probe, 2, (*to, *WHOLE))
        found |= take_turns([quiet, on, whole], requests, todo, Meter(base.store))
        before = counted(on)
        sent = ask_together(on, requests, todo.counted)
        told = counted(on) - before
        assert told == sent, f"{sent} requests were answered, {told} were counted"
    return {**found, "requests_sent": sent, "requests_counted": told}


def by_turns(server: Server, requests: Sequence[bytes], turns: int) -> dict[str, Any]:
    """Ask one server, one request at a time, while it turns its instruments on and off.

    p50 and p99 are medians over turns, of full answers; those soon after a turn's begin are left
    out. Answers that were not full are counted.
    """
    say(f"{server.name}: {2 * turns} turns")
    took: dict[bool, list[list[float]]] = {True: [], False: []}
    was: bool | None = None
    ends = perf_counter() + (2 * turns + 1) * TURN_S
    with closing(Connection(server.address)) as connection:
        number = poor = 0
        while (began := perf_counter()) < ends:
            reply = connection.ask(requests[number % len(requests)])
            spent = perf_counter() - began
            number += 1
            if not good(reply):
                poor += 1
                continue
            told = b"server-timing: \r" not in reply.head + b"\r"
            if told is not was:
                was = told
                took[told].append([])
            took[told][-1].append(spent)
    found: dict[str, Any] = {"answers_not_full": poor}
    for told, name in ((True, "instruments on"), (False, "instruments off")):
        whole = took[told][1:-1] or took[told]  # the first is warm-up, the last may be cut
        shapes = [np.quantile(turn[SETTLED:] or turn, [0.5, 0.99]) for turn in whole]
        p50, p99 = (1e3 * np.median(shapes, axis=0)).tolist()
        found[name] = {"p50_ms": p50, "p99_ms": p99, "requests": sum(map(len, whole))}
    return found


def ask_together(server: Server, requests: Sequence[bytes], count: int, threads: int = 8) -> int:
    """Send that many requests over eight connections at once; return how many were answered."""
    answered = [0] * threads

    def ask(index: int) -> None:
        connection = Connection(server.address)
        for turn in range(count // threads):
            answered[index] += connection.ask(requests[turn % len(requests)]).status == 200
        connection.close()

    workers = [threading.Thread(target=ask, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(answered)


def counted(server: Server) -> int:
    """Return how many `/v1/rank` requests the server says it answered well."""
    host, port = server.address
    with urllib.request.urlopen(f"http://{host}:{port}/metrics") as answer:
        text = answer.read().decode()
    found = re.search(r'braid_requests_total\{route="/v1/rank",status="200"\} ([\d.]+)', text)
    return int(float(found[1])) if found else 0


def direct_us(calls: int, share: float | None) -> float:
    """Time a request's instruments alone: a trace, its spans, the header, recorders, reports.

    ``share`` of them is logged and traced; None is without either.
    """
    recorder, flight = Recorder(), Flight(256)
    reports = None if share is None else _reports(share)
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    answer = SlateAnswer("r", "v", "search", "control", [], [], Coverage(1.0, 1.0))
    begun = thread_time_ns()  # one in a hundred pays for the others: no median would tell
    for _ in range(calls):
        trace = Trace()
        request_id = new_request_id()
        if reports is not None:
            reports.begin(trace, headers, request_id)
        for stage in STAGES:
            with trace.span(stage):
                pass
        trace.note_near(1000, 0)
        trace.server_timing()
        recorder.record("/v1/rank", 200, trace)
        flight.record("r", "/v1/rank", 200, b"{}", trace, answer)
        if reports is not None:
            reports.end(request_id, "POST", "/v1/rank", 200, trace, None, answer)
    return (thread_time_ns() - begun) / calls / 1e3


def _reports(share: float) -> Reports:
    """Return reports whose log nobody reads and whose spans nobody makes."""
    destination = Destination("http://127.0.0.1:9/v1/traces")
    exporter = Exporter(lambda _: b"", Collector(destination))
    sampler = Sampler(Sample.of(share))
    return Reports(100.0, WideLog(share, Told("hash")), Tracer(exporter, sampler))


def made_us(calls: int) -> dict[str, float]:
    """Time what the threads behind do for one request: its line, and its spans as a message."""
    trace = Trace()
    trace.link = Link("a" * 32, "b" * 16, None, sampled=True)
    trace.shares = []
    for stage in STAGES:
        with trace.span(stage), trace.read(stage):
            trace.shares.append(Done("braid-loop-0", perf_counter_ns(), perf_counter_ns()))
    answer = SlateAnswer("r", "v", "search", "control", [], [], Coverage(1.0, 1.0))
    ended = Ended("c" * 32, "POST", "/v1/rank", 200, 10**6, trace, None, answer)
    spans = Spans("http", Address.parse("redis://localhost"), Told("hash"))
    record = WideLog.record(ended, Told("hash"))
    lines = renderer(for_people=False)
    begun = thread_time_ns()
    for _ in range(calls):
        lines.format(record)
    logged = thread_time_ns()
    for _ in range(calls):
        message(list(spans.of(ended)), (), "1")
    return {
        "in the log's thread, a line": (logged - begun) / calls / 1e3,
        "in the exporter's thread, its spans": (thread_time_ns() - logged) / calls / 1e3,
    }


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    todo = plan(options)
    with ExitStack() as stack:
        base = ground(stack, todo.items, todo.trees)
        requests = [request(wish) for wish in wishes(base.world, 32)]
        return {
            "edge": edges(base, requests, todo),
            "instruments": instruments(base, requests, todo),
            "instruments_direct_us": direct_us(todo.records, 0.01),
            "instruments_parts_us": {
                "on its way, without logs and traces": direct_us(todo.records, None),
                "on its way, all logged and traced": direct_us(todo.records, 1.0),
                **made_us(todo.records // 10),
            },
        }


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
