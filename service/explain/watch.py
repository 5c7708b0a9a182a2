"""A request under observation: its trace and its crew tell more, and cost more, than others'."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from time import perf_counter_ns, thread_time_ns

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


class Shared(Caller):
    """A caller whose parties note when they shared work, and over how many threads."""

    __slots__ = ("_caller", "notes")

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller.crew)
        self._caller = caller
        self.notes: list[tuple[int, int]] = []

    def party(self) -> Party:
        """Return one request's share of the crew: nobody yet."""
        return _NotingParty(self._caller, self.notes)


class _NotingParty(Party):
    __slots__ = ("_notes",)

    def __init__(self, caller: Caller, notes: list[tuple[int, int]]) -> None:
        super().__init__(caller)
        self._notes = notes

    def share[T](
        self, work: Work[T], rows: int, cost_ns_per_row: float, stop_ns: float = inf
    ) -> list[T]:
        began = perf_counter_ns()
        parts = super().share(work, rows, cost_ns_per_row, stop_ns)
        self._notes.append((began, self.took))
        return parts


class Watch:
    """What one debugged request is answered with, in place of the loop's desk and its own trace."""

    def __init__(self, desk: Desk, trace: Trace) -> None:
        self.trace = DetailedTrace(trace)
        self._shared = Shared(desk.caller)
        self.desk = replace(desk, caller=self._shared)

    def threads(self, began_ns: int, ended_ns: int) -> int:
        """Return how many threads took part in what was shared in that time, at most."""
        notes = self._shared.notes
        return max((threads for at, threads in notes if began_ns <= at <= ended_ns), default=1)
