"""Less spread, by what users did before the experiment."""

import numpy as np
from numpy.typing import NDArray

from training.experiments.ratio import Ratio


def adjusted(arms: list[Ratio], before: list[NDArray[np.float64]]) -> list[Ratio]:
    """Take from each arm's means what its users' earlier behaviour explains: float64[n] by user.

    One slope for all arms, so that it cannot tell them apart: Deng, Xu, Kohavi, Walker: Improving
    the Sensitivity of Online Controlled Experiments by Utilizing Pre-Experiment Data (CUPED), WSDM
    2013. Of means only (``below`` is 1).
    """
    earlier = np.concatenate(before)
    spread = earlier.var()
    if not spread:
        return arms
    later = np.concatenate([arm.above for arm in arms])
    slope = np.mean((later - later.mean()) * (earlier - earlier.mean())) / spread
    return [
        Ratio(arm.above - slope * (known - earlier.mean()), arm.below)
        for arm, known in zip(arms, before, strict=True)
    ]
