"""Off-policy estimators: the value of one policy from the rewards that another one got.

Each returns `Terms`, whose ratio of means over rounds is the estimate: that way one bootstrap
serves all of them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.bootstrap import Estimate, ratio

type Values = NDArray[np.float64]


class Terms(NamedTuple):
    """What each of n rounds says: the value is mean(numerators) / mean(denominators)."""

    numerators: Values
    denominators: Values

    @property
    def value(self) -> float:
        """Return the estimate."""
        return float(self.numerators.mean() / self.denominators.mean())

    def estimate(self, seed: int) -> Estimate:
        """Return the estimate with its interval, by resampling rounds."""
        return ratio(self.numerators, self.denominators, seed)


def inverse_propensity(rewards: Values, weights: Values) -> Terms:
    """Weigh each reward by how much likelier the target was to act so (Horvitz, Thompson 1952).

    ``weights`` float64[n] are the target's probability of the action over the behaviour's.
    Unbiased where the behaviour may take every action that the target may.
    """
    return Terms(weights * rewards, np.ones(len(rewards)))


def self_normalised(rewards: Values, weights: Values) -> Terms:
    """Divide by the weights' own mean: less variance for a little bias.

    Never outside the range of the rewards (Swaminathan, Joachims, NeurIPS 2015).
    """
    return Terms(weights * rewards, weights)


def doubly_robust(rewards: Values, weights: Values, predicted: Values, expected: Values) -> Terms:
    """Let a model of the reward speak, and weigh only its errors (Dudik et al., Stat. Sci. 2014).

    ``predicted`` float64[n] is the model's reward of the action taken, ``expected`` float64[n] its
    mean over the target's actions. Unbiased if either the propensities or the model are right.
    """
    return Terms(expected + weights * (rewards - predicted), np.ones(len(rewards)))


def effective_rounds(weights: Values) -> float:
    """Return how many rounds with equal weights would say as much (Kish 1965)."""
    return float(weights.sum() ** 2 / np.square(weights).sum())
