"""Rates over users: what they did, for each thing that they were shown.

A rate such as clicks per slate is a ratio of two sums. The user is what was dealt to arms, and one
user's slates are alike, so the spread is taken over users, by the delta method: Deng, Knoblich, Lu:
Applying the Delta Method in Metric Analytics, KDD 2018.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.experiments.estimate import CONFIDENCE, Estimate, normal

LEAST_USERS: Final = 2
"""One user has no spread."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """The sum of ``above`` over that of ``below``, float64[n] by user; 1 for each makes a mean."""

    above: NDArray[np.float64]
    below: NDArray[np.float64]

    @classmethod
    def of(cls, above: ArrayLike, below: ArrayLike = 1.0) -> Ratio:
        """Take whatever numpy takes."""
        numerators = np.asarray(above, np.float64)
        return cls(numerators, np.broadcast_to(np.asarray(below, np.float64), numerators.shape))

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.above)

    @property
    def value(self) -> float:
        """Return the ratio; NaN where nothing was shown."""
        total = float(self.below.sum())
        return float(self.above.sum()) / total if total else float("nan")

    @property
    def variance(self) -> float:
        """Return the variance of the ratio over draws of users; NaN of fewer than two."""
        if len(self) < LEAST_USERS or not self.below.sum():
            return float("nan")
        parts = (self.above - self.value * self.below) / self.below.mean()
        return float(parts.var(ddof=1)) / len(self)

    def estimate(self, confidence: float = CONFIDENCE) -> Estimate:
        """Return it with its interval."""
        return normal(self.value, self.variance, confidence)
