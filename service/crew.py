"""Helper threads that lend a hand to whoever asks, and never keep anybody waiting.

`Crew` owns the helpers, each event loop has a `Caller`, each request a `Party`:

    with caller.party() as party:       # this loop's thread is at work
        party.rouse(ns_of_work_to_come) # idle helpers wake while the request prepares their work
        party.share(work, rows, ns_per_row)
"""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from itertools import pairwise
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from service.placement import Placement

type Work = Callable[[int, int], None]
"""Does rows ``[lo, hi)``, writing only what belongs to those rows."""

# Two shares per thread: when a helper wakes late, the requester has taken one of its shares.
# More would cost Python scorers their per-share copies (docs/decisions/0002).
SHARES_PER_THREAD = 2
# A thread's part must be worth this many hand-overs of an empty share: a helper comes to a real one
# with cold caches, and at two a scorer of 0.1 ms lost a third of its speed (docs/decisions/0013).
WORTH_HANDOVERS = 8
# To sleep and be woken costs more than most waits here last, so who waits looks for a while first,
# giving way to any thread that wants the core (docs/decisions/0013). With the GIL, looking would
# keep the awaited thread from running.
LOOK_NS = 0 if sys._is_gil_enabled() else 500_000
CALIBRATION_ROUNDS = 100
# Between requests a helper sleeps and its core may too: that is the wake-up that a share costs.
CALIBRATION_PAUSE_S = 0.001


class _Word(Enum):
    """What a helper is told besides jobs."""

    RISE = "work is about to come"
    REST = "be idle again"
    HOME = "end"


class _Job:
    """One piece of work in shares, which anyone takes; the one who finishes the last says so."""

    __slots__ = ("_done", "_others", "_shares", "_work", "fault", "total")

    def __init__(self, work: Work, bounds: list[tuple[int, int]]) -> None:
        self.total = len(bounds)
        self.fault: BaseException | None = None
        self._work = work
        self._shares = deque(bounds)
        self._others = deque(bounds[1:])  # one is popped for each share done; none left: the last
        self._done = threading.Lock()
        self._done.acquire()

    def take_shares(self, wanted_elsewhere: Callable[[], bool] = lambda: False) -> int:
        """Do shares until none is left or the thread is wanted; return how many it did."""
        did = 0
        while not wanted_elsewhere():
            try:
                low, high = self._shares.popleft()
            except IndexError:
                break
            try:
                if self.fault is None:
                    self._work(low, high)
            except BaseException as fault:  # noqa: BLE001  raised again by whoever asked
                self.fault = fault
            did += 1
            try:
                self._others.pop()
            except IndexError:
                self._done.release()
        return did

    def wait(self) -> None:
        """Return when every share is done; raise what the first to fail raised."""
        stop = time.perf_counter_ns() + LOOK_NS
        while self._done.locked():
            if time.perf_counter_ns() >= stop:
                self._done.acquire()
                break
            os.sched_yield()
        if self.fault is not None:
            raise self.fault


class _Helper(threading.Thread):
    """Waits among the idle, does the shares of the jobs that a party sends it, goes back."""

    def __init__(self, index: int, crew: Crew) -> None:
        super().__init__(name=f"braid-crew-{index}", daemon=True)
        self.mail: SimpleQueue[_Job | _Word] = SimpleQueue()
        self._crew = crew
        self._placement = Placement()

    def rise(self) -> None:
        """Wake it, on another core than the caller's."""
        if self.native_id is not None:
            self._placement.keep_off_this_core(self.native_id)
        self.mail.put(_Word.RISE)

    def run(self) -> None:
        while True:
            self._crew.idle.append(self)
            while (message := self.mail.get()) is not _Word.REST:
                if message is _Word.HOME:
                    return
                if message is _Word.RISE:
                    self._look_for_mail()
                else:
                    message.take_shares(self._crew.crowded)
            # `message` is a word now: who is idle keeps no request's arrays alive, nor its model.

    def _look_for_mail(self) -> None:
        stop = time.perf_counter_ns() + LOOK_NS
        while self.mail.empty() and time.perf_counter_ns() < stop:
            os.sched_yield()


class Crew:
    """``size`` helpers, started once, for whatever cores the event loops leave idle.

    Whoever asks does shares itself; *idle* helpers join only while fewer than ``size + 1`` threads
    are at work, event loops included, and leave when more are. So on a busy machine the requester
    does everything without any waiting, and the degree of parallelism follows the load without a
    knob. Work smaller than a hand-over is never split.
    """

    def __init__(self, size: int) -> None:
        self.handover_ns = 0.0
        self.wake_ns = 0.0
        self.idle: deque[_Helper] = deque()
        self._callers: list[Caller] = []
        self._helpers = [_Helper(index, self) for index in range(size)]
        for helper in self._helpers:
            helper.start()

    @property
    def size(self) -> int:
        """Return the number of helpers."""
        return len(self._helpers)

    def caller(self) -> Caller:
        """Return a line to the crew for one more thread; called at start-up, not per request."""
        caller = Caller(self)
        self._callers = [*self._callers, caller]
        return caller

    def crowded(self) -> bool:
        """Tell whether more threads are at work than there are cores for."""
        return self._spare() < 0

    def take_idle(self, most: int) -> list[_Helper]:
        """Take idle helpers away, as many as there are spare cores for."""
        taken: list[_Helper] = []
        for _ in range(min(most, self._spare()) if most > 0 else 0):
            try:
                taken.append(self.idle.pop())
            except IndexError:
                break
        return taken

    def lend(self, work: Callable[[], None]) -> bool:
        """Have an idle helper do something that nobody waits for.

        Returns:
            False where no helper or no core is to spare. It is also left undone, in spite of True,
            where the core is wanted before the helper gets to it.
        """
        for helper in self.take_idle(1):
            helper.rise()
            helper.mail.put(_Job(lambda _low, _high: work(), [(0, 1)]))
            helper.mail.put(_Word.REST)
            return True
        return False

    def calibrate(self) -> float:
        """Measure and keep the costs of waking a helper and of handing an awake one a share.

        Returns:
            `handover_ns`: nanoseconds from handing an empty share over to its end, as it is in the
            quicker rounds: helpers are only called where a core is spare, so what a machine that
            is busy at start-up makes of it does not count. `wake_ns` is the same with the wake-up.
        """
        handovers, wakes = list[int](), list[int]()
        for round_ in range(2 * CALIBRATION_ROUNDS if self._helpers else 0):
            # Helpers that have just started, or just finished, are a moment away from idle; no
            # measurement would mean a handover_ns of 0, and that nothing is ever split.
            while not (helpers := self.take_idle(1)):
                time.sleep(0)
            time.sleep(CALIBRATION_PAUSE_S)
            [helper], ahead_ns = helpers, round_ % 2 * (LOOK_NS // 2)
            began = time.perf_counter_ns()
            helper.rise()
            while time.perf_counter_ns() < began + ahead_ns:
                pass  # as the request does that has called, and is busy with something else
            job, began = _Job(_nothing, [(0, 1)]), time.perf_counter_ns()
            helper.mail.put(job)
            job.wait()
            (handovers if ahead_ns else wakes).append(time.perf_counter_ns() - began)
            helper.mail.put(_Word.REST)
        self.wake_ns = _undisturbed(wakes)
        self.handover_ns = _undisturbed(handovers or wakes)  # with the GIL nobody looks ahead
        return self.handover_ns

    def close(self) -> None:
        """Send every helper home and wait for it; what is asked later is done by the asker."""
        helpers, self._helpers = self._helpers, []
        for helper in helpers:
            while helper not in self.idle:
                threading.Event().wait(0.001)
            self.idle.remove(helper)
            helper.mail.put(_Word.HOME)
            helper.join()

    def threads_worth(self, work_ns: float) -> int:
        """Return over how many threads this work is worth spreading."""
        if not self.handover_ns:
            return 1
        return int(work_ns / (WORTH_HANDOVERS * self.handover_ns))

    def _spare(self) -> int:
        at_work = sum(caller.parties > 0 for caller in self._callers)
        return self.size + 1 - at_work - (self.size - len(self.idle))


class Caller:
    """One thread's line to the crew: says that the thread is at work, and calls for help."""

    __slots__ = ("crew", "parties")

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.parties = 0  # written by its own thread only

    def party(self) -> Party:
        """Return one request's share of the crew: nobody yet."""
        return Party(self)


class Party:
    """The helpers that one request has called: awake, and its own until it ends."""

    __slots__ = ("_caller", "_helpers")

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._helpers: list[_Helper] = []

    def __enter__(self) -> Self:
        self._caller.parties += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for helper in self._helpers:
            helper.mail.put(_Word.REST)
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

    def share(self, work: Work, rows: int, cost_ns_per_row: float) -> int:
        """Have ``work`` done for all of ``[0, rows)``.

        Returns:
            The number of threads that took part in it.

        Raises:
            BaseException: the first that ``work`` raised, in whichever thread; shares not yet
                begun are then left undone.
        """
        work_ns = rows * cost_ns_per_row
        if not self._helpers:
            self.rouse(work_ns)
        worth = min(self._caller.crew.threads_worth(work_ns), rows) - 1
        helpers = self._helpers[: max(worth, 0)]
        if not helpers:
            work(0, rows)
            return 1
        job = _Job(work, _bounds(rows, min(rows, SHARES_PER_THREAD * (len(helpers) + 1))))
        for helper in helpers:
            helper.mail.put(job)
        did = job.take_shares()
        job.wait()
        return 1 if did == job.total else 1 + len(helpers)


def _bounds(rows: int, parts: int) -> list[tuple[int, int]]:
    """Cut ``[0, rows)`` into ``parts`` contiguous ranges whose lengths differ by one at most."""
    edges = [rows * part // parts for part in range(parts + 1)]
    return list(pairwise(edges))


def _nothing(_low: int, _high: int) -> None:
    """Do an empty share."""


def _undisturbed(took: list[int]) -> float:
    return float(sorted(took)[len(took) // 10]) if took else 0.0
