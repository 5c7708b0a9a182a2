"""How much a request is worth while there is more to do than can be done."""

from enum import IntEnum
from typing import Final

OVERLOAD: Final = "overload"
"""The reason in `degraded` where less than everything was scored to keep up."""

FEWER_ROWS: Final = 256
"""Two blocks of a forest, which scores 128 rows at the cost of one: one for each of two threads."""


class Effort(IntEnum):
    """What is scored by the model: all, the best of the light phase, or nothing."""

    FULL = 0
    FEWER = 1
    LIGHT = 2

    def rows(self, candidates: int) -> int:
        """Return how many of so many candidates the model scores."""
        if self is Effort.FULL:
            return candidates
        return min(candidates, FEWER_ROWS) if self is Effort.FEWER else 0


def full() -> Effort:
    """Return all of it: where nobody decides otherwise."""
    return Effort.FULL
