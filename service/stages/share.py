"""How a stage has its work shared over threads, and how it is done without."""

from collections.abc import Callable

from service.crew import Work

type Share = Callable[[Work, int, float], int]
"""(work, rows, nanoseconds per row) -> the number of threads that took part."""


def serial(work: Work, rows: int, cost_ns_per_row: float) -> int:  # noqa: ARG001  a `Share`
    """Have all of it done here: the specification of every other way."""
    work(0, rows)
    return 1
