"""When to send a request again, and after how long.

The contract makes every request of this client safe to repeat: reads change nothing, items and
users are put as a whole, and events carry ids, so a repeat counts once. So what may be sent again
is what may go better the next time: refused for want of room (429, 503), or not answered at all.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

RETRIED = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, and within what time, a request is sent; times in seconds.

    Pauses double from ``first_s`` to ``longest_s``, with full jitter, so that many clients do not
    come back together (M. Brooker, "Exponential Backoff And Jitter", 2015). A longer `Retry-After`
    is kept to.
    """

    attempts: int = 3
    first_s: float = 0.05
    longest_s: float = 2.0

    def pause_s(self, attempt: int, left_s: float, after: str | None = None) -> float | None:
        """Return how long to wait after the ``attempt``-th, from 1; None to give up.

        ``left_s`` is what is left of the caller's time, ``after`` the header `Retry-After`.
        """
        if attempt >= self.attempts:
            return None
        grown_s = min(self.longest_s, self.first_s * 2 ** (attempt - 1))
        pause_s = max(random.uniform(0, grown_s), _seconds(after))  # noqa: S311  spreads load, no secret
        return pause_s if pause_s < left_s else None


def is_retried(status: int) -> bool:
    """Tell whether an answer of this status may be another one the next time."""
    return status in RETRIED


def retry_after(headers: Mapping[str, str]) -> str | None:
    """Return the header that says when to come back."""
    return headers.get("retry-after")


def _seconds(after: str | None) -> float:
    """Return the seconds of `Retry-After`; a date there, which Braid never sends, counts as 0."""
    try:
        return max(0.0, float(after)) if after else 0.0
    except ValueError:
        return 0.0
