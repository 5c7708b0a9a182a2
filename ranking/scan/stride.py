"""An order in which any few are spread evenly over all."""

from math import gcd
from typing import Final

GOLDEN: Final = 0.6180339887498949
MOST_QUOTIENT: Final = 10
"""Of the leading terms of step / n as a continued fraction; the golden ratio's are all 1."""
LEADING: Final = 100
FEW: Final = 500
"""Of so few any coprime step will do: a request asks for one each time it picks the best."""


def even_stride(n: int) -> int:
    """Return a step with which ``place * step % n`` visits all of range(n), evenly spread.

    Coprime to n, so that each is visited once, and the nearest such to the golden ratio of n
    that leaves no large gap behind the first hundred: how large the gaps are is told by the terms
    of the continued fraction of step / n (three-distance theorem).
    """
    ideal = max(int(n * GOLDEN), 1)
    nearest = 0
    for away in range(n):
        for step in (ideal - away, ideal + away):
            if 0 < step <= max(n - 1, 1) and gcd(step, n) == 1:
                nearest = nearest or step
                if n <= FEW or _spreads(step, n):
                    return step
    return nearest or 1


def _spreads(step: int, n: int) -> bool:
    """Tell whether no term is large while the denominators of the convergents are below 100."""
    a, b, before, denominator = n, step, 0, 1
    while b and denominator < LEADING:
        quotient, (a, b) = a // b, (b, a % b)
        if quotient > MOST_QUOTIENT:
            return False
        before, denominator = denominator, quotient * denominator + before
    return True
