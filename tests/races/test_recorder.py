"""What event loops count while it is scraped: never less than before, and exact in the end."""

from collections import Counter
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from features.address import Address
from features.tracking import Tracking
from service.observe.exposition import BraidCollector, Exposition
from service.observe.histogram import CELLS, Histogram
from service.observe.recorder import Recorder, merged
from service.observe.spans import Trace
from tests.races.together import against

RECORDS = 4000
LOOPS = 3

type Sample = tuple[str, frozenset[tuple[str, str]]]


def recording(recorder: Recorder) -> Callable[[], None]:
    """Record as one loop does; new routes, stages and reasons turn up all the time."""

    def record() -> None:
        for number in range(RECORDS):
            trace = Trace()
            trace.spans.append((f"stage{number % 37}", 0, 1 << (number % 40)))
            trace.degrade("features", f"reason{number % 53}")
            trace.note_near(3, 1)
            recorder.record(f"/route{number % 2003}", 200 + number % 7, trace)

    return record


def counters(text: str) -> dict[Sample, float]:
    """Return every sample that may only rise."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        if family.name.startswith("braid") and family.type in {"counter", "histogram"}
        for sample in family.samples
    }


def test_no_scraped_count_ever_goes_down_and_the_last_is_exact() -> None:
    recorders = [Recorder() for _ in range(LOOPS)]
    tracking = Tracking(Address.parse("redis://127.0.0.1:1"))
    page = Exposition(BraidCollector(recorders, lambda: "v", tracking))
    highest: list[dict[Sample, float]] = [{}, {}]

    def scrape(reader: int) -> None:
        found = counters(page.page()[0].decode())
        for name, value in highest[reader].items():
            assert found[name] >= value, name
        highest[reader] = found

    against([recording(one) for one in recorders], lambda: scrape(0), lambda: scrape(1))
    total = merged(recorders)
    assert total.requests.total() == total.degraded.total() == LOOPS * RECORDS
    assert total.near == Counter(hit=3 * LOOPS * RECORDS, miss=LOOPS * RECORDS)
    assert total.stages["total"].count() == LOOPS * RECORDS
    apart = [one.count() for name, one in total.stages.items() if name != "total"]
    assert (len(apart), sum(apart)) == (37, LOOPS * RECORDS)


def test_buckets_of_one_scrape_belong_to_one_moment() -> None:
    histogram = Histogram()

    def record() -> None:
        for number in range(50_000):
            histogram.record(number)

    def look() -> None:
        total = Histogram()
        total += histogram
        rising = list(total.cumulative([2**power for power in range(10, 20)]))
        assert rising == sorted(rising)
        assert rising[-1] == total.count()
        assert len(total.counts) == CELLS

    against([record], look, look)
    assert histogram.count() == 50_000
    assert histogram.total == sum(range(50_000))
