"""For how long nothing has been heard that would contradict the near cache."""

import math
from time import monotonic

DOUBT_AFTER_S = 0.5


class Trust:
    """The age of the last proof that every invalidation until then has arrived.

    Written by the thread that listens to the store, read by all. A reader compares ages itself,
    so that a listener which hangs, or is not scheduled, is doubted like one that is cut off.
    """

    __slots__ = ("_proved_at",)

    def __init__(self) -> None:
        self._proved_at = -math.inf

    def prove(self, at: float) -> None:
        """Note that whatever was written before ``at`` (monotonic seconds) is known here."""
        self._proved_at = at

    def lose(self) -> None:
        """Note that from now on nothing is known."""
        self._proved_at = -math.inf

    def age_s(self) -> float:
        """Return seconds since the last proof: no row that is served is older; infinite if none."""
        return monotonic() - self._proved_at

    def holds(self) -> bool:
        """Tell whether rows may be served."""
        return self.age_s() < DOUBT_AFTER_S
