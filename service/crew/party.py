"""One event loop's line to the crew, and the helpers that one of its requests has called."""

from math import inf
from time import perf_counter_ns
from types import TracebackType
from typing import TYPE_CHECKING, Self

from service.crew.helper import Helper
from service.crew.job import Job, Work, bounds
from service.crew.noted import Done, noted

if TYPE_CHECKING:
    from service.crew.crew import Crew

# Two shares per thread: when a helper wakes late, the requester has taken one of its shares.
# More would cost Python scorers their per-share copies (docs/decisions/0002).
SHARES_PER_THREAD = 2

# Shares for which a helper's last one is waited for. Most come within one, those of a helper with
# cold caches within one and a half, and of one that the system took off its core not for long.
PATIENCE = 2


class Caller:
    """One thread's line to the crew: says that the thread is at work, and calls for help."""

    __slots__ = ("crew", "parties")

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.parties = 0  # written by its own thread only

    def party(self, shares: list[Done] | None = None) -> Party:
        """Return one request's share of the crew: nobody yet; ``shares`` gets what is done."""
        return Party(self, shares)


class Party:
    """The helpers that one request has called: awake, and its own until it ends.

    ``took`` is how many threads took part in what was shared last.
    """

    __slots__ = ("_caller", "_helpers", "_shares", "took")

    def __init__(self, caller: Caller, shares: list[Done] | None = None) -> None:
        self.took = 1
        self._caller = caller
        self._helpers: list[Helper] = []
        self._shares = shares

    def __enter__(self) -> Self:
        self._caller.parties += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._helpers:
            self._caller.crew.release(self._helpers)
        self._helpers = []
        self._caller.parties -= 1

    @property
    def threads(self) -> int:
        """Return how many threads may take part at most."""
        return self._caller.crew.size + 1

    def rouse(self, work_ns: float) -> None:
        """Wake as many idle helpers as so much work is worth, ahead of the work."""
        crew = self._caller.crew
        self._helpers += crew.take_idle(crew.threads_worth(work_ns) - 1 - len(self._helpers))
        for helper in self._helpers:
            helper.rise()

    def share[T](
        self, work: Work[T], rows: int, cost_ns_per_row: float, stop_ns: float = inf
    ) -> list[T]:
        """Have ``work`` done for all of ``[0, rows)``.

        Returns:
            What it returned for each share, in their order. At ``stop_ns``, a moment of the
            performance counter, helpers are waited for no longer, and theirs are missing; this
            thread's own shares are always done, so work that takes long looks at the clock itself.

        Raises:
            BaseException: the first that ``work`` raised, in whichever thread; shares not yet
                begun are then left undone.
        """
        work_ns = rows * cost_ns_per_row
        if self._shares is not None:
            work = noted(work, self._shares)
        if not self._helpers:
            self.rouse(work_ns)
        worth = min(self._caller.crew.threads_worth(work_ns), rows) - 1
        helpers = self._helpers[: max(worth, 0)]
        self.took = 1
        if not helpers:
            return [work(0, rows)]
        job = Job(work, bounds(rows, min(rows, SHARES_PER_THREAD * (len(helpers) + 1))))
        for helper in helpers:
            helper.mail.put(job)
        began_ns = perf_counter_ns()
        did = job.take_shares()
        share_ns = (perf_counter_ns() - began_ns) / did if did else work_ns / job.total
        job.settle(PATIENCE * share_ns, stop_ns)
        if did < job.total:
            self.took += len(helpers)
        return job.results()
