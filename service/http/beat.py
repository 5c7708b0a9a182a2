"""Whether an event loop still turns."""

import asyncio
from time import monotonic
from typing import Final

EVERY_S: Final = 0.5

STILL_S: Final = 2.0
"""A loop that has not turned for so long gets no connections: others are served elsewhere."""

STUCK_S: Final = 10.0
"""One that has not turned for so long does not any more: `/health/live` says so."""


class Beat:
    """Notes the time in one event loop, twice a second; any thread may ask how long ago that was.

    What holds up a loop is code that does not come back: a C call of a user's own scorer, which
    nobody can end from outside (`service.watchdog`).
    """

    def __init__(self) -> None:
        self._last_s = monotonic()

    def begin(self) -> None:
        """Beat from now on, in the running loop, as long as that runs."""
        self._last_s = monotonic()
        asyncio.get_running_loop().call_later(EVERY_S, self.begin)

    def silent_s(self) -> float:
        """Return for how long it has been overdue, in seconds; below 0 where it is in time."""
        return monotonic() - self._last_s - EVERY_S

    def still(self) -> bool:
        """Tell whether the loop does not turn at present."""
        return self.silent_s() > STILL_S
