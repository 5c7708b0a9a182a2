"""A scorer of somebody's own that answers with every number that is none."""

from math import inf, nan

STRANGE = (nan, inf, -inf, 1e300, 5e-324, -0.0, 1e-40)
"""By place among the candidates, over and over; two in seven are finite to a float32, and one of
these is a denormal."""


def score(_user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    """Return the year for one item in eight, and a strange score for the others."""
    years = items["item.year"]
    return [
        year if place % 8 == 0 else STRANGE[place % len(STRANGE)]
        for place, year in enumerate(years)
    ]
