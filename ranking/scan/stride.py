"""An order in which any few are spread evenly over all."""

from math import gcd
from typing import Final

GOLDEN: Final = 0.6180339887498949


def even_stride(n: int) -> int:
    """Return a step with which ``place * step % n`` visits all of range(n), evenly spread.

    Close to the golden ratio of n, so that the first few, or any few in a row, leave no large
    gap (three-distance theorem); coprime to n, so that each is visited once.
    """
    step = max(int(n * GOLDEN), 1)
    while gcd(step, n) > 1:
        step -= 1
    return step
