"""A thread that does the shares of whoever called it."""

import os
import threading
from contextvars import Context
from enum import Enum
from queue import SimpleQueue
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from service.crew.job import LOOK_NS, Job
from service.placement import Placement

if TYPE_CHECKING:
    from service.crew.crew import Crew


class Word(Enum):
    """What a helper is told besides jobs."""

    RISE = "work is about to come"
    REST = "be idle again"
    HOME = "end"


class Helper(threading.Thread):
    """Waits among the idle, does the shares of the jobs that a party sends it, goes back.

    ``jobs`` counts those that it has begun and those that it has left: odd while it is in one.
    """

    def __init__(self, index: int, crew: Crew) -> None:
        # A context of its own: one that starts in the middle of a request must not keep it.
        super().__init__(name=f"braid-crew-{index}", daemon=True, context=Context())
        self.mail: SimpleQueue[Job[Any] | Word] = SimpleQueue()
        self.jobs = 0  # written by its own thread only
        self.written_off = False
        self._crew = crew
        self._placement = Placement()

    def rise(self) -> None:
        """Wake it, on another core than the caller's."""
        if self.native_id is not None:
            self._placement.keep_off_this_core(self.native_id)
        self.mail.put(Word.RISE)

    def run(self) -> None:
        """Do what the mail says until it says to end, or somebody else has taken its place."""
        while not self.written_off:
            self._crew.idle.append(self)
            while (message := self.mail.get()) is not Word.REST:
                if message is Word.HOME:
                    return
                if message is Word.RISE:
                    self._look_for_mail()
                elif isinstance(message, Job):
                    self.jobs += 1
                    message.take_shares(self._crew.crowded)
                    self.jobs += 1
            # `message` is a word now: who is idle keeps no request's arrays alive, nor its model.

    def _look_for_mail(self) -> None:
        stop = perf_counter_ns() + LOOK_NS
        while self.mail.empty() and perf_counter_ns() < stop:
            os.sched_yield()
