"""How alike two slates are."""

from collections.abc import Hashable, Sequence
from typing import Final

PERSISTENCE: Final = 0.9
"""Of rank-biased overlap: the first ten places then bear 86 % of the weight."""


def jaccard(one: Sequence[Hashable], other: Sequence[Hashable], depth: int) -> float:
    """Return what share of the first ``depth`` items of either both have; 1 of two empty ones."""
    first, second = set(one[:depth]), set(other[:depth])
    either = len(first | second)
    return len(first & second) / either if either else 1.0


def rank_biased_overlap(
    one: Sequence[Hashable], other: Sequence[Hashable], persistence: float = PERSISTENCE
) -> float:
    """Return the overlap in [0, 1] at every depth, weighted towards the top.

    Items are unique within a slate. What lies behind the ends is taken to agree as the seen parts
    do: RBO_EXT, equation 32 of Webber, Moffat, Zobel: A Similarity Measure for Indefinite Rankings,
    TOIS 28(4), 2010, which also takes slates of unequal length.
    """
    short, long = sorted((one, other), key=len)
    s, n, p = len(short), len(long), persistence
    if not s:
        return float(not n)
    seen_short, seen_long = set[Hashable](), set[Hashable]()
    total, weight = 0.0, 1.0
    shared = shared_at_s = 0
    for depth, item in enumerate(long, 1):
        weight *= p
        if depth <= s:
            seen_short.add(short[depth - 1])
            seen_long.add(item)
            shared_at_s = shared = len(seen_short & seen_long)
        else:
            shared += item in seen_short
            total += shared_at_s * (depth - s) / (s * depth) * weight
        total += shared / depth * weight
    tail = (shared - shared_at_s) / n + shared_at_s / s
    return (1 - p) / p * total + tail * weight
