"""Shadows: a challenger answers, after the served model did, and nobody waits for it."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter_ns
from typing import Final, NamedTuple

from service.crew import Crew
from service.experiments.findings import Findings, Ranked, Tally

MOST_WAITING: Final = 32
"""Answers kept for comparison while no core is to spare; then the oldest makes room."""

type Again = Callable[[], Ranked]
"""Answers the same request by the challenger: in any thread, from memory alone."""


class _Pair(NamedTuple):
    tally: Tally
    served: Ranked
    again: Again


class Shadows:
    """Compares on idle helpers of the crew, one pair of slates after the other.

    A helper takes part while no more threads are at work than there are cores, and looks between
    two slates: a request that comes meanwhile lacks one helper for one slate at most. On a machine
    without a crew nothing is compared. Any thread may offer.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._waiting = deque[_Pair]()
        self._comparing = threading.Lock()
        self._tallies: dict[str, Tally] = {}

    def offer(self, name: str, served: Ranked, again: Again) -> None:
        """Have a served slate compared under a name, if the machine has time for it; at once."""
        tally = self._tallies.setdefault(name, Tally())
        if len(self._waiting) >= MOST_WAITING:
            with suppress(IndexError):  # a helper was quicker
                self._waiting.popleft().tally.drop()
        self._waiting.append(_Pair(tally, served, again))
        if not self._comparing.locked():
            self._crew.lend(self._compare)

    def findings(self) -> dict[str, Findings]:
        """Return what is known by name."""
        return {name: tally.findings() for name, tally in self._tallies.copy().items()}

    def _compare(self) -> None:
        if not self._comparing.acquire(blocking=False):
            return
        try:
            while self._waiting and not self._crew.crowded():
                tally, served, again = self._waiting.popleft()
                began = perf_counter_ns()
                try:
                    shadow = again()
                except Exception as fault:  # noqa: BLE001  a challenger may do what it likes
                    tally.fail(fault)
                else:
                    tally.add(served, shadow, perf_counter_ns() - began)
        finally:
            self._comparing.release()
