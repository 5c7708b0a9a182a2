"""The recorders as Prometheus reads them: it parses, and every number is exact."""

import threading
from collections import Counter

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_open_metrics,
)
from prometheus_client.parser import text_string_to_metric_families

from features.address import Address
from features.tracking import Tracking
from service.observe.exposition import BraidCollector, Exposition
from service.observe.flight import Flight
from service.observe.recorder import Recorder, merged
from service.observe.spans import Trace

STAGES = {"context": 20_000, "score": 3_000_000, "a\\b": 5}


def trace() -> Trace:
    """Return a trace whose stages took what STAGES says."""
    trace = Trace()
    trace.spans += [(stage, 100, 100 + took) for stage, took in STAGES.items()]
    return trace


def exposition(recorders: list[Recorder], version: str | None) -> Exposition:
    tracking = Tracking(Address.parse("redis://"))  # never started: it connects to nothing
    return Exposition(BraidCollector(recorders, lambda: version, tracking))


def scrape(recorders: list[Recorder], version: str | None = "2026-11-22-1") -> dict[str, Metric]:
    text = exposition(recorders, version).page()[0].decode()
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    return {family.name: family for family in families}


def samples(family: Metric, suffix: str) -> dict[tuple[str, ...], float]:
    """Return the values by their labels, which stand in the order of the labels' names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for sample in family.samples
        if sample.name == family.name + suffix
    }


def stage_buckets(family: Metric, stage: str) -> list[tuple[float, float]]:
    return [
        (float(sample.labels["le"]), sample.value)
        for sample in family.samples
        if sample.name.endswith("_bucket") and sample.labels["stage"] == stage
    ]


def test_requests_are_counted_by_route_and_status_over_all_loops() -> None:
    one, other = Recorder(), Recorder()
    for _ in range(3):
        one.record("/v1/rank", 200, trace())
    other.record("/v1/rank", 200, trace())
    other.record("/v1/rank", 422, trace())
    requests = samples(scrape([one, other])["braid_requests"], "_total")
    assert requests == {("/v1/rank", "200"): 4, ("/v1/rank", "422"): 1}


def test_each_stage_and_the_total_have_a_histogram_that_adds_up() -> None:
    recorder = Recorder()
    for _ in range(7):
        recorder.record("/v1/rank", 200, trace())
    family = scrape([recorder])["braid_stage_duration_seconds"]
    assert family.type == "histogram"
    counts = samples(family, "_count")
    assert counts == {("context",): 7, ("score",): 7, ("a\\b",): 7, ("total",): 7}
    sums = samples(family, "_sum")
    for stage, took_ns in STAGES.items():
        assert sums[stage,] == pytest.approx(7 * took_ns / 1e9)
        buckets = stage_buckets(family, stage)
        assert [bound for bound, _ in buckets] == sorted(bound for bound, _ in buckets)
        for bound, count in buckets:
            assert count == (7 if took_ns / 1e9 < bound else 0)
        assert buckets[-1] == (float("inf"), 7)


def test_fallbacks_are_counted_by_stage_and_reason() -> None:
    one, other = Recorder(), Recorder()
    one.record_degraded("context", "store_timeout")
    other.record_degraded("context", "store_timeout")
    other.record_degraded("features", "store_down")
    assert samples(scrape([one, other])["braid_degraded"], "_total") == {
        ("store_timeout", "context"): 2,
        ("store_down", "features"): 1,
    }


def test_rows_from_memory_and_from_the_store_are_counted_apart() -> None:
    one, other = Recorder(), Recorder()
    for recorder, hits, misses in ((one, 900, 100), (one, 0, 5), (other, 50, 0)):
        seen = trace()
        seen.note_near(hits, misses)
        recorder.record("/v1/rank", 200, seen)
    rows = samples(scrape([one, other])["braid_near_cache_rows"], "_total")
    assert rows == {("hit",): 950, ("miss",): 105}


def test_the_model_and_the_gil_are_told() -> None:
    families = scrape([], 'odd "version"\n\\1')
    assert samples(families["braid_model_info"], "") == {('odd "version"\n\\1',): 1}
    assert samples(families["braid_gil_enabled"], "")[()] in {0, 1}
    assert scrape([], None)["braid_model_info"].samples == []


def test_the_process_is_told_too() -> None:
    families = scrape([])
    assert "process_resident_memory_bytes" in families
    assert any(name.startswith("python_gc_") for name in families)


def test_two_services_in_one_process_do_not_share_a_registry() -> None:
    one, other = Recorder(), Recorder()
    one.record("/v1/rank", 200, trace())
    assert samples(scrape([one])["braid_requests"], "_total") == {("/v1/rank", "200"): 1}
    assert scrape([other])["braid_requests"].samples == []


def test_a_merge_leaves_the_recorders_as_they_were() -> None:
    recorder = Recorder()
    recorder.record("/v1/rank", 200, trace())
    for _ in range(3):
        total = merged([recorder, recorder])
        assert total.requests["/v1/rank", 200] == 2
        assert total.stages["score"].count() == 2
    assert recorder.requests == Counter({("/v1/rank", 200): 1})
    assert recorder.stages["score"].count() == 1


def test_counts_are_exact_with_eight_threads_that_record_and_eight_that_scrape() -> None:
    loops, scrapers, each = 8, 8, 1000
    recorders = [Recorder() for _ in range(loops)]
    page = exposition(recorders, "v")
    start = threading.Barrier(loops + scrapers)
    faults: list[BaseException] = []

    def record(number: int) -> None:
        recorder = recorders[number]
        start.wait()
        for turn in range(each):
            recorder.record(f"/v1/route-{turn % 7}", 200 + turn % 3, trace())
            if turn % 2:
                recorder.record_degraded(f"stage-{turn % 5}", "store_down")

    threads = [threading.Thread(target=record, args=(number,)) for number in range(loops)]

    def watch() -> None:
        start.wait()
        before = 0.0
        try:
            while any(thread.is_alive() for thread in threads):
                families = {
                    family.name: family
                    for family in text_string_to_metric_families(page.page()[0].decode())
                }
                answered = sum(samples(families["braid_requests"], "_total").values())
                assert before <= answered <= loops * each
                before = answered
                check_buckets(families["braid_stage_duration_seconds"])
        except BaseException as fault:  # noqa: BLE001  told to the test's own thread
            faults.append(fault)

    watchers = [threading.Thread(target=watch) for _ in range(scrapers)]
    for thread in threads + watchers:
        thread.start()
    for thread in threads + watchers:
        thread.join()
    assert faults == []
    families = scrape(recorders)
    assert sum(samples(families["braid_requests"], "_total").values()) == loops * each
    assert sum(samples(families["braid_degraded"], "_total").values()) == loops * each / 2
    counts = samples(families["braid_stage_duration_seconds"], "_count")
    assert set(counts.values()) == {loops * each}


def check_buckets(family: Metric) -> None:
    """Check that no bucket is below the one before it, nor above the count."""
    counts = samples(family, "_count")
    for (stage,), count in counts.items():
        values = [value for _, value in stage_buckets(family, stage)]
        assert values == sorted(values)
        assert values[0] >= 0
        assert values[-1] == count


def test_open_metrics_has_requests_to_look_at_in_the_buckets_they_were_counted_in() -> None:
    recorder, flight = Recorder(), Flight(8)
    seen = trace()
    recorder.record("/v1/rank", 200, seen)
    flight.record("r-1", "/v1/rank", 200, b"{}", seen, None)
    tracking = Tracking(Address.parse("redis://"))
    collector = BraidCollector([recorder], lambda: None, tracking, flights=[flight])

    text, content_type = Exposition(collector).page("application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in parse_open_metrics(text.decode())}  # type: ignore[no-untyped-call]  # the library's
    told = {
        sample.labels["stage"]: (sample.exemplar, float(sample.labels["le"]))
        for sample in families["braid_stage_duration_seconds"].samples
        if sample.exemplar is not None
    }
    assert told.keys() == {*STAGES, "total"}
    for stage, took_ns in STAGES.items():
        exemplar, bound = told[stage]
        assert exemplar.labels == {"request_id": "r-1"}
        assert exemplar.value == pytest.approx(took_ns / 1e9)
        assert exemplar.value <= bound


def test_whoever_asks_for_plain_text_gets_it_without_them() -> None:
    text, content_type = exposition([Recorder()], None).page("text/plain")

    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"# EOF" not in text
