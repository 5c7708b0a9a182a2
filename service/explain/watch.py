"""A request under observation: its trace and its crew tell more, and cost more, than others'."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from threading import current_thread
from time import perf_counter_ns, thread_time_ns
from typing import NamedTuple

from service.crew import Caller, Party, Work
from service.desk import Desk
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


class Done(NamedTuple):
    """A share of work, by whom and when; nanoseconds of the performance counter."""

    thread: str
    began_ns: int
    ended_ns: int


class _NotingCaller(Caller):
    """A caller whose parties note who did which share, and when."""

    __slots__ = ("_caller", "done")

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller.crew)
        self._caller = caller
        self.done: list[Done] = []

    def party(self) -> Party:
        """Return one request's share of the crew: nobody yet."""
        return _NotingParty(self._caller, self.done)


class _NotingParty(Party):
    __slots__ = ("_done",)

    def __init__(self, caller: Caller, done: list[Done]) -> None:
        super().__init__(caller)
        self._done = done

    def share[T](
        self, work: Work[T], rows: int, cost_ns_per_row: float, stop_ns: float = inf
    ) -> list[T]:
        def noted(low: int, high: int) -> T:
            began_ns = perf_counter_ns()
            try:
                return work(low, high)
            finally:
                self._done.append(Done(current_thread().name, began_ns, perf_counter_ns()))

        return super().share(noted, rows, cost_ns_per_row, stop_ns)


class Watch:
    """What one debugged request is answered with, in place of the loop's desk and its own trace."""

    def __init__(self, desk: Desk, trace: Trace) -> None:
        self.trace = DetailedTrace(trace)
        self._caller = _NotingCaller(desk.caller)
        self.desk = replace(desk, caller=self._caller)

    def shares(self, began_ns: int, ended_ns: int) -> list[Done]:
        """Return the shares that were begun in that time, in their order."""
        done = self._caller.done.copy()
        return sorted(
            (one for one in done if began_ns <= one.began_ns <= ended_ns),
            key=lambda one: one.began_ns,
        )
