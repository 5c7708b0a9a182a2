"""Who was turned away, counted for one event loop, and told in few lines."""

from collections import Counter
from time import monotonic_ns
from typing import Final, Literal

from service.access.audit import Audit

type Reason = Literal["no_key", "wrong_key", "expired", "scope", "rate", "busy"]

EVERY_NS: Final = 10**9
"""One line per reason and second: whoever tries a million keys writes no million lines."""


class Refusals:
    """Belongs to one event loop's thread; ``counts`` may be read by any."""

    def __init__(self, audit: Audit) -> None:
        self.counts = Counter[Reason]()
        self._audit = audit
        self._told = dict[Reason, tuple[int, int]]()

    def note(self, reason: Reason, who: str | None, what: str) -> None:
        """Count a refusal of ``who``, and tell of it unless one like it was told of just now."""
        self.counts[reason] += 1
        count, now_ns = self.counts[reason], monotonic_ns()
        last, at_ns = self._told.get(reason, (0, -EVERY_NS))
        if now_ns - at_ns >= EVERY_NS:
            self._told[reason] = count, now_ns
            self._audit.note(
                "request", f"refused: {reason}", who=who, what=what, alike=count - last - 1
            )
