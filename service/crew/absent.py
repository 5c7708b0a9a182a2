"""Helpers that were left behind in the middle of a share: waited for a while, then replaced."""

from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import Final, NamedTuple

from service.crew.helper import Helper

WRITE_OFF_NS: Final = 1_000_000_000
"""A share that takes this much longer than it ought to is taken for one that never ends."""

MOST_WRITTEN_OFF: Final = 16
"""Threads that never end; from there on the crew gets smaller instead."""


class _Absent(NamedTuple):
    helper: Helper
    jobs: int  # as it counted them when it was left behind: another count, and it is back
    since_ns: int


class Absent:
    """Who was left behind, and since when. Any thread may tell of one, any may look."""

    __slots__ = ("_left", "written_off")

    def __init__(self) -> None:
        self.written_off = 0
        self._left = deque[_Absent]()

    def __bool__(self) -> bool:
        """Tell whether anybody is missing."""
        return bool(self._left)

    def add(self, helper: Helper) -> None:
        """Note that nobody waits for this one any more."""
        if (jobs := helper.jobs) % 2:
            self._left.append(_Absent(helper, jobs, perf_counter_ns()))

    def look(self, replace: Callable[[Helper], None]) -> None:
        """Forget who is back; have those replaced that do not come back.

        A helper that was written off ends when it comes back after all.
        """
        for _ in range(len(self._left)):
            try:
                one = self._left.popleft()
            except IndexError:
                return  # another thread looks, too
            if one.helper.jobs != one.jobs:
                continue
            if perf_counter_ns() - one.since_ns < WRITE_OFF_NS:
                self._left.append(one)
            elif self.written_off < MOST_WRITTEN_OFF:
                self.written_off += 1
                one.helper.written_off = True
                replace(one.helper)
