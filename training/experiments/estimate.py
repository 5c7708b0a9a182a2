"""A figure and how sure it is."""

import math
from typing import Final

import msgspec
from scipy.special import ndtri
from scipy.stats import norm

CONFIDENCE: Final = 0.95


class Estimate(msgspec.Struct, frozen=True):
    """A value with the ends of its confidence interval; None where too little is known."""

    value: float | None
    low: float | None = None
    high: float | None = None


def normal(value: float, variance: float, confidence: float = CONFIDENCE) -> Estimate:
    """Return the estimate of something that is normal about its value."""
    if not math.isfinite(value):
        return Estimate(None)
    if not math.isfinite(variance):
        return Estimate(value)
    reach = float(ndtri(0.5 + confidence / 2)) * math.sqrt(variance)
    return Estimate(value, value - reach, value + reach)


def two_sided(value: float, variance: float) -> float | None:
    """Return how likely a normal about 0 lies at least so far from it; None where not known."""
    if not math.isfinite(value) or not math.isfinite(variance) or variance <= 0:
        return None
    return float(2 * norm.sf(abs(value) / math.sqrt(variance)))
