"""A request under observation: its trace tells more, and costs more, than others'."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time_ns

from service.crew import Done
from service.observe.spans import Trace


class DetailedTrace(Trace):
    """A trace that also notes the processor time of this thread within each span.

    It takes over what the request's own trace has, and `close` gives it back.
    """

    __slots__ = ("_trace", "thread_ns")

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self._trace = trace
        for name in Trace.__slots__:
            setattr(self, name, getattr(trace, name))
        self.thread_ns = [0] * len(self.spans)  # what came before, in the queue, was waiting

    @contextmanager
    def span(self, name: str) -> Iterator[None]:  # type: ignore[override]  # it is used alike
        """Record one stage, also when it raises."""
        ran_ns = thread_time_ns()
        try:
            with super().span(name):
                yield
        finally:
            self.thread_ns.append(thread_time_ns() - ran_ns)

    def close(self) -> None:
        """Give back what was noted."""
        for name in Trace.__slots__:
            setattr(self._trace, name, getattr(self, name))


class Watch:
    """The trace of one debugged request, in place of its own, with who did which share."""

    def __init__(self, trace: Trace) -> None:
        if trace.shares is None:
            trace.shares = []
        self.trace = DetailedTrace(trace)

    def shares(self, began_ns: int, ended_ns: int) -> list[Done]:
        """Return the shares that were begun in that time, in their order."""
        return self.trace.shares_within(began_ns, ended_ns)
