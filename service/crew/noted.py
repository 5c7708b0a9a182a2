"""Shares of work on record: who did which, and when."""

from threading import current_thread
from time import perf_counter_ns
from typing import NamedTuple

from service.crew.job import Work


class Done(NamedTuple):
    """A share of work, by whom and when; nanoseconds of the performance counter."""

    thread: str
    began_ns: int
    ended_ns: int


def noted[T](work: Work[T], shares: list[Done]) -> Work[T]:
    """Return work that notes each of its shares, also one that fails."""

    def share(low: int, high: int) -> T:
        began_ns = perf_counter_ns()
        try:
            return work(low, high)
        finally:
            shares.append(Done(current_thread().name, began_ns, perf_counter_ns()))

    return share
