"""Which of two interleaved slates the users preferred."""

from collections.abc import Sequence

import msgspec
from scipy.stats import binomtest

from training.experiments.estimate import CONFIDENCE, Estimate


class Preference(msgspec.Struct, frozen=True):
    """Users who clicked more of the variant's items, of control's, and of each as many.

    ``share`` is of those with a preference, who prefer the variant (0.5: no difference), ``p`` how
    likely as much is by chance alone.
    """

    wins: int
    losses: int
    ties: int
    share: Estimate
    p: float | None


def preferences(leanings: Sequence[int], confidence: float = CONFIDENCE) -> Preference:
    """Count users, each with the sum of their slates' preferences, by a two-sided sign test.

    The interval is Wilson's. Users rather than slates: one user's slates are alike.
    """
    wins, losses = sum(one > 0 for one in leanings), sum(one < 0 for one in leanings)
    ties = len(leanings) - wins - losses
    if not wins + losses:
        return Preference(0, 0, ties, Estimate(None), None)
    test = binomtest(wins, wins + losses)
    interval = test.proportion_ci(confidence, method="wilson")
    share = Estimate(wins / (wins + losses), float(interval.low), float(interval.high))
    return Preference(wins, losses, ties, share, float(test.pvalue))
