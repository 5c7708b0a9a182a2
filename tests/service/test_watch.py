"""What is noted of a request under observation."""

from service.explain.watch import DetailedTrace
from service.observe.spans import Trace


def test_a_span_from_before_the_watch_has_no_time_of_the_processor() -> None:
    """The queue's, of a request that had to wait for its turn."""
    trace = Trace()
    with trace.span("queue"):
        pass
    watched = DetailedTrace(trace)
    with watched.span("context"):
        pass
    assert [name for name, _, _ in watched.spans] == ["queue", "context"]
    assert len(watched.thread_ns) == 2
    assert watched.thread_ns[0] == 0
