"""How much more one arm yields than another: relative, with its interval."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.bootstrap import resampled
from training.experiments.estimate import CONFIDENCE, Estimate, normal, two_sided
from training.experiments.ratio import Ratio


class Lift(msgspec.Struct, frozen=True):
    """``relative`` is variant over control, less 1; ``p`` how likely as much is by chance alone."""

    relative: Estimate
    p: float | None


NONE = Lift(Estimate(None), None)


def lift(control: Ratio, variant: Ratio, confidence: float = CONFIDENCE) -> Lift:
    """Return the lift by the delta method; unknown where control is 0."""
    base, other = control.value, variant.value
    if not base:
        return NONE
    variance = (variant.variance + (other / base) ** 2 * control.variance) / base**2
    relative = other / base - 1
    return Lift(normal(relative, variance, confidence), two_sided(relative, variance))


def bootstrap_lift(
    control: Ratio, variant: Ratio, seed: int, confidence: float = CONFIDENCE
) -> Lift:
    """Return the lift with the interval of redrawn users, and nothing taken for normal.

    Each arm's users are drawn for themselves (`training.bootstrap.resampled`). ``p`` is twice the
    share of draws on the rarer side of 0, and no less than one draw's.
    """
    relative = variant.value / control.value - 1 if control.value else float("nan")
    if not np.isfinite(relative):
        return NONE
    base, other = _drawn(control, 2 * seed), _drawn(variant, 2 * seed + 1)
    lifts = (other / np.maximum(base, np.finfo(np.float64).tiny)) - 1
    low, high = np.quantile(lifts, [0.5 - confidence / 2, 0.5 + confidence / 2])
    rarer = min((lifts <= 0).mean(), (lifts >= 0).mean())
    p = float(np.clip(2 * rarer, 1 / len(lifts), 1))
    return Lift(Estimate(relative, float(low), float(high)), p)


def _drawn(arm: Ratio, seed: int) -> NDArray[np.float64]:
    means = resampled(np.stack((arm.above, arm.below), axis=1), seed)
    return means[:, 0] / means[:, 1]
