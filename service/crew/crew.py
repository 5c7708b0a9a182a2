"""All helpers of the process, and who of them is free."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final

from service.crew.absent import Absent
from service.crew.helper import Helper, Word
from service.crew.job import LOOK_NS, Job
from service.crew.party import Caller

# A thread's part must be worth this many hand-overs of an empty share: a helper comes to a real one
# with cold caches, and at two a scorer of 0.1 ms lost a third of its speed (docs/decisions/0013).
WORTH_HANDOVERS = 8
CALIBRATION_ROUNDS = 100
# Between requests a helper sleeps and its core may too: that is the wake-up that a share costs.
CALIBRATION_PAUSE_S = 0.001
CLOSE_S: Final = 2.0
"""How long a helper that is in the middle of something is waited for at the end."""

log = logging.getLogger("braid")


class Crew:
    """``size`` helpers, started once, for whatever cores the event loops leave idle.

    Whoever asks does shares itself; *idle* helpers join only while fewer than ``size + 1`` threads
    are at work, event loops included, and leave when more are. So on a busy machine the requester
    does everything without any waiting, and the degree of parallelism follows the load without a
    knob. Work smaller than a hand-over is never split. A helper that does not come back from a
    share is replaced.
    """

    def __init__(self, size: int) -> None:
        self.handover_ns = 0.0
        self.wake_ns = 0.0
        self.idle: deque[Helper] = deque()
        self.absent = Absent()
        self._callers: list[Caller] = []
        self._helpers = [Helper(index, self) for index in range(size)]
        for helper in self._helpers:
            helper.start()

    @property
    def size(self) -> int:
        """Return the number of helpers."""
        return len(self._helpers)

    @property
    def in_flight(self) -> int:
        """Return how many requests are worked on, and waited for, by all callers."""
        return sum(caller.parties for caller in self._callers)

    def caller(self) -> Caller:
        """Return a line to the crew for one more thread; called at start-up, not per request."""
        caller = Caller(self)
        self._callers.append(caller)  # the event loops come at once: nothing may be read and bound
        return caller

    def crowded(self) -> bool:
        """Tell whether more threads are at work than there are cores for."""
        return self._spare() < 0

    def take_idle(self, most: int) -> list[Helper]:
        """Take idle helpers away, as many as there are spare cores for."""
        if self.absent:
            self.absent.look(self._replace)
        taken: list[Helper] = []
        for _ in range(min(most, self._spare()) if most > 0 else 0):
            try:
                taken.append(self.idle.pop())
            except IndexError:
                break
        return taken

    def release(self, helpers: list[Helper]) -> None:
        """Let helpers go that were taken; who is still in a share comes when it is done with it."""
        for helper in helpers:
            self.absent.add(helper)
            helper.mail.put(Word.REST)

    def lend(self, work: Callable[[], None]) -> bool:
        """Have an idle helper do something that nobody waits for.

        Returns:
            False where no helper or no core is to spare. It is also left undone, in spite of True,
            where the core is wanted before the helper gets to it.
        """
        for helper in self.take_idle(1):
            helper.rise()
            helper.mail.put(Job(lambda _low, _high: work(), [(0, 1)]))
            helper.mail.put(Word.REST)
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
            job, began = Job(_nothing, [(0, 1)]), time.perf_counter_ns()
            helper.mail.put(job)
            job.settle(inf, inf)
            (handovers if ahead_ns else wakes).append(time.perf_counter_ns() - began)
            helper.mail.put(Word.REST)
        self.wake_ns = _undisturbed(wakes)
        self.handover_ns = _undisturbed(handovers or wakes)  # with the GIL nobody looks ahead
        return self.handover_ns

    def close(self) -> None:
        """Send every helper home and wait for it; what is asked later is done by the asker.

        One that does not come back from a share is left behind: it is no reason to stay.
        """
        helpers, self._helpers = self._helpers, []
        for helper in helpers:
            stop = time.monotonic() + CLOSE_S
            while helper not in self.idle and time.monotonic() < stop:
                threading.Event().wait(0.001)
            if helper in self.idle:
                self.idle.remove(helper)
                helper.mail.put(Word.HOME)
                helper.join()

    def threads_worth(self, work_ns: float) -> int:
        """Return over how many threads this work is worth spreading."""
        if not self.handover_ns:
            return 1
        return int(work_ns / (WORTH_HANDOVERS * self.handover_ns))

    def _spare(self) -> int:
        at_work = sum(caller.parties > 0 for caller in self._callers)
        return 1 + len(self.idle) - at_work

    def _replace(self, lost: Helper) -> None:
        """Start another helper in the place of one that does not come back."""
        log.error(
            "%s has not come back from a share and is replaced; its model or scorer hangs",
            lost.name,
        )
        index = self.size + self.absent.written_off - 1
        helper = Helper(index, self)
        self._helpers = [helper if one is lost else one for one in self._helpers]
        helper.start()


def _nothing(_low: int, _high: int) -> None:
    """Do an empty share."""


def _undisturbed(took: list[int]) -> float:
    return float(sorted(took)[len(took) // 10]) if took else 0.0
