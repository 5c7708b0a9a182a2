"""How often a key may ask."""

import re
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

PATTERN: Final = r"^[1-9][0-9]{0,5}/(s|min|h)\Z"
_PERIODS_S: Final = {"s": 1, "min": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` requests per ``period_s`` seconds, and as many at once after a pause."""

    count: int
    period_s: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `100/s`, `600/min` or `5000/h`.

        Raises:
            ValueError: it is none of them.
        """
        if not re.match(PATTERN, text):
            raise ValueError(f"{text!r} is no rate; write 100/s, 600/min or 5000/h")
        count, _, period = text.partition("/")
        return cls(int(count), _PERIODS_S[period])


class Bucket:
    """The tokens of one key in this process, shared by all its event loops."""

    __slots__ = ("_capacity_ns", "_interval_ns", "_take", "_word", "rate")

    def __init__(self, rate: Rate) -> None:
        # Here, because numba takes its time and `braid keys` needs no bucket.
        from service.access.gcra import take

        self.rate = rate
        self._take = take
        self._word = np.zeros(1, np.int64)
        self._interval_ns = rate.period_s * 10**9 // rate.count
        self._capacity_ns = self._interval_ns * rate.count

    def take(self, now_ns: int) -> int:
        """Take a token: how many are left, or minus the nanoseconds until there is one."""
        return self._take(self._word, now_ns, self._interval_ns, self._capacity_ns)
