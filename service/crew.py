"""Helper threads that lend a hand to whoever asks, and never keep anybody waiting."""

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise

type Work = Callable[[int, int], None]
"""Does rows ``[lo, hi)``, writing only what belongs to those rows."""

# Two shares per thread: when a helper wakes late, the requester has taken one of its shares.
# More would cost Python scorers their per-share copies (docs/decisions/0002).
SHARES_PER_THREAD = 2
# A thread's part must be worth this many hand-overs; at one, the gain would pay for the call only.
WORTH_HANDOVERS = 2
CALIBRATION_ROUNDS = 100
# Between requests a helper sleeps and its core may too: that is the wake-up that a share costs.
CALIBRATION_PAUSE_S = 0.001


class _Job:
    """One request's shares: taken from `shares` by anyone, counted off in `finished`."""

    __slots__ = ("done", "fault", "finished", "shares", "total", "work")

    def __init__(self, work: Work, bounds: list[tuple[int, int]]) -> None:
        self.work = work
        self.shares = deque(bounds)
        self.total = len(bounds)
        self.finished: deque[bool] = deque()
        self.done = threading.Event()
        self.fault: BaseException | None = None

    def take_shares(self) -> int:
        """Do shares until none is left; return how many this thread did."""
        did = 0
        while True:
            try:
                low, high = self.shares.popleft()
            except IndexError:
                return did
            try:
                if self.fault is None:
                    self.work(low, high)
            except BaseException as fault:  # noqa: BLE001  raised again by whoever asked
                self.fault = fault
            did += 1
            self.finished.append(True)
            if len(self.finished) == self.total:
                self.done.set()


class _Helper(threading.Thread):
    """Waits among the idle, does the shares of the job it is handed, goes back."""

    def __init__(self, index: int, idle: deque[_Helper]) -> None:
        super().__init__(name=f"braid-crew-{index}", daemon=True)
        self._idle = idle
        self._call = threading.Lock()
        self._call.acquire()
        self._job: _Job | None = None

    def hand(self, job: _Job | None) -> None:
        """Wake the helper with a job; None sends it home."""
        self._job = job
        self._call.release()

    def run(self) -> None:
        while True:
            self._idle.append(self)
            self._call.acquire()
            job, self._job = self._job, None
            if job is None:
                return
            job.take_shares()
            del job  # an idle helper keeps no request's arrays alive, nor the model they came from


class Crew:
    """``size`` helpers, started once.

    Whoever asks does shares itself; only *idle* helpers are woken to do some too. On a busy
    machine there is none, and the requester does everything without any waiting: so the degree
    of parallelism follows the load without a knob. Work smaller than a hand-over is never split.
    """

    def __init__(self, size: int) -> None:
        self.handover_ns = 0.0
        self._idle: deque[_Helper] = deque()
        self._helpers = [_Helper(index, self._idle) for index in range(size)]
        for helper in self._helpers:
            helper.start()

    @property
    def size(self) -> int:
        """Return the number of helpers."""
        return len(self._helpers)

    def share(self, work: Work, rows: int, cost_ns_per_row: float) -> int:
        """Have ``work`` done for all of ``[0, rows)``.

        Returns:
            The number of threads that took part in it.

        Raises:
            BaseException: the first that ``work`` raised, in whichever thread; shares not yet
                begun are then left undone.
        """
        helpers = self._take_idle(min(self._threads_worth(rows * cost_ns_per_row), rows) - 1)
        if not helpers:
            work(0, rows)
            return 1
        job = _Job(work, _bounds(rows, min(rows, SHARES_PER_THREAD * (len(helpers) + 1))))
        for helper in helpers:
            helper.hand(job)
        did = job.take_shares()
        job.done.wait()
        if job.fault is not None:
            raise job.fault
        return 1 if did == job.total else 1 + len(helpers)

    def calibrate(self) -> float:
        """Measure and keep the cost of a hand-over: wake a helper, an empty share, done.

        Returns:
            Nanoseconds, the median of many rounds.
        """
        took = []
        for _ in range(CALIBRATION_ROUNDS if self._helpers else 0):
            # Helpers that have just started, or just finished, are a moment away from idle; no
            # measurement would mean a handover_ns of 0, and that nothing is ever split.
            while not (helpers := self._take_idle(1)):
                time.sleep(0)
            time.sleep(CALIBRATION_PAUSE_S)
            asked = time.perf_counter_ns()
            job = _Job(lambda _low, _high: None, [(0, 1)])
            helpers[0].hand(job)
            job.done.wait()
            took.append(time.perf_counter_ns() - asked)
        self.handover_ns = float(sorted(took)[len(took) // 2]) if took else 0.0
        return self.handover_ns

    def close(self) -> None:
        """Send every helper home and wait for it; what is asked later is done by the asker."""
        while self._helpers:
            helper = self._helpers.pop()
            while helper not in self._idle:
                threading.Event().wait(0.001)
            self._idle.remove(helper)
            helper.hand(None)
            helper.join()

    def _threads_worth(self, work_ns: float) -> int:
        """Return over how many threads this work is worth spreading."""
        if not self.handover_ns:
            return 1
        return int(work_ns / (WORTH_HANDOVERS * self.handover_ns))

    def _take_idle(self, most: int) -> list[_Helper]:
        taken: list[_Helper] = []
        while len(taken) < most:
            try:
                taken.append(self._idle.pop())
            except IndexError:
                break
        return taken


def _bounds(rows: int, parts: int) -> list[tuple[int, int]]:
    """Cut ``[0, rows)`` into ``parts`` contiguous ranges whose lengths differ by one at most."""
    edges = [rows * part // parts for part in range(parts + 1)]
    return list(pairwise(edges))
