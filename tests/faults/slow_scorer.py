"""A plain Python scorer that takes its time, so that ten times what can be done is not too many."""

from itertools import repeat

ROUNDS = 400


def score(user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    """Rank by popularity, at some microseconds an item."""
    popular = items["source.popularity"]
    for value in popular:
        for _ in repeat(None, ROUNDS):
            value * value
    return popular
