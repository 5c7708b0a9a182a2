"""The stopwatch: one request's stages and reads, and when each began and ended."""

from collections.abc import Iterable
from math import inf
from time import perf_counter_ns, time
from types import TracebackType
from typing import NamedTuple, Self

from features.user_reader import UserRecord
from service.crew.noted import Done
from service.observe.link import Link

NS_PER_MS = 1e6


class Read(NamedTuple):
    """A round trip to the store within a stage, and the fault's short word where it failed."""

    stage: str
    began_ns: int
    ended_ns: int
    fault: str | None


class Trace:
    """One request's spans, in nanoseconds of one monotonic clock, and what fell back on its way.

    ``arrived_s`` is the wall clock's, seconds since the epoch: what ages are counted from.
    ``user`` is what the store said of the asker: a replay begins with the same. ``caller`` is the
    name of the key it came with. ``deadline_ns`` is a moment of the performance counter, infinity
    without one. ``scored`` is the share of the candidates that the model scored, ``unranked`` how
    many got a score that is no finite number. ``reads`` are round trips to the store, ``shares``
    the crew's shares of work where somebody asks for them. ``link`` is its place among the spans of
    other services, None while nobody traces. ``fault`` is the short word for what it failed by.
    Made when the request arrives, and the only thing about it that grows while it is answered.
    """

    __slots__ = (
        "arrived_s",
        "caller",
        "deadline_ns",
        "degraded",
        "fault",
        "link",
        "near",
        "reads",
        "scored",
        "shares",
        "spans",
        "started_ns",
        "threads",
        "unranked",
        "user",
    )

    def __init__(self) -> None:
        self.started_ns = perf_counter_ns()
        self.arrived_s = time()
        self.deadline_ns = inf
        self.spans: list[tuple[str, int, int]] = []
        self.degraded: list[tuple[str, str]] = []
        self.near = (0, 0)
        self.threads = 1
        self.unranked = 0
        self.scored = 1.0
        self.user: UserRecord | None = None
        self.caller: str | None = None
        self.reads: list[Read] = []
        self.shares: list[Done] | None = None
        self.link: Link | None = None
        self.fault: str | None = None

    def expire_in(self, deadline_ms: float) -> None:
        """Set the deadline, counted from the arrival of the request; the nearest one counts."""
        self.deadline_ns = min(self.deadline_ns, self.started_ns + deadline_ms * NS_PER_MS)

    def fork(self, degraded: Iterable[tuple[str, str]]) -> Trace:
        """Return a trace for one part of the request, with the same clock and deadline."""
        part = Trace()
        part.started_ns, part.deadline_ns = self.started_ns, self.deadline_ns
        part.arrived_s = self.arrived_s
        part.degraded.extend(degraded)
        return part

    def degrade(self, stage: str, reason: str) -> None:
        """Note that a stage answered by its fallback."""
        self.degraded.append((stage, reason))

    def note_near(self, hits: int, misses: int) -> None:
        """Note how many item rows the near cache had, and how many it had not."""
        self.near = (hits, misses)

    def span(self, name: str) -> _Span:
        """Return a context manager that records one stage, also when it raises."""
        return _Span(self.spans, name)

    def read(self, stage: str) -> _Read:
        """Return a context manager that records one round trip to the store."""
        return _Read(self.reads, stage)

    def shares_within(self, began_ns: int, ended_ns: int) -> list[Done]:
        """Return the shares that were begun in that time, in their order."""
        return sorted(
            (one for one in list(self.shares or ()) if began_ns <= one.began_ns <= ended_ns),
            key=lambda one: one.began_ns,
        )

    def elapsed_ns(self) -> int:
        """Return nanoseconds since the request arrived."""
        return perf_counter_ns() - self.started_ns

    def left_s(self) -> float:
        """Return seconds until the deadline, 0 when it has passed, infinity without one."""
        return seconds_until(self.deadline_ns)

    def expired(self) -> bool:
        """Tell whether the deadline has passed."""
        return perf_counter_ns() >= self.deadline_ns

    def stop_ns(self, share: float) -> float:
        """Return the moment until which what begins now may take: a share of what is left."""
        now_ns = perf_counter_ns()
        return now_ns + max(0.0, share * (self.deadline_ns - now_ns))

    def server_timing(self) -> str:
        """Return the value of a ``Server-Timing`` header, in milliseconds (W3C Server Timing)."""
        parts = [f"{name};dur={(stop - start) / NS_PER_MS:.3f}" for name, start, stop in self.spans]
        return ", ".join([*parts, f"total;dur={self.elapsed_ns() / NS_PER_MS:.3f}"])


def seconds_until(moment_ns: float) -> float:
    """Return seconds until a moment of the performance counter, 0 when it has passed."""
    return max(0.0, moment_ns - perf_counter_ns()) / 1e9


class _Span:
    __slots__ = ("_began", "_name", "_spans")

    def __init__(self, spans: list[tuple[str, int, int]], name: str) -> None:
        self._spans = spans
        self._name = name

    def __enter__(self) -> Self:
        self._began = perf_counter_ns()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._spans.append((self._name, self._began, perf_counter_ns()))


class _Read:
    __slots__ = ("_began", "_reads", "_stage")

    def __init__(self, reads: list[Read], stage: str) -> None:
        self._reads = reads
        self._stage = stage

    def __enter__(self) -> Self:
        self._began = perf_counter_ns()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        word = None if kind is None else getattr(fault, "reason", kind.__name__)
        self._reads.append(Read(self._stage, self._began, perf_counter_ns(), word))
