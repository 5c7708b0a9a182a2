"""Whether the arms are as large as they were meant to be."""

from collections.abc import Mapping
from typing import Final

import msgspec
from scipy.stats import chisquare

ALARM_P: Final = 0.001
"""A fair deal is called unfair once in a thousand experiments."""


class Mismatch(msgspec.Struct, frozen=True):
    """How many users each arm should have, and how likely what was found is; ``alarm`` if hardly.

    An experiment with an alarm has lost some users and not others: trust none of its figures.
    """

    expected: dict[str, float]
    p: float
    alarm: bool


def sample_ratio_mismatch(users: Mapping[str, int], shares: Mapping[str, float]) -> Mismatch | None:
    """Hold the users found in each arm against the arms' shares, by a chi-square test.

    Fabijan et al.: Diagnosing Sample Ratio Mismatch in Online Controlled Experiments, KDD 2019.
    None where there is nothing to compare: no users, or one arm.
    """
    total, whole = sum(users.get(arm, 0) for arm in shares), sum(shares.values())
    arms = [arm for arm, share in shares.items() if share]
    if not total or len(arms) < 2:
        return None
    expected = {arm: total * shares[arm] / whole for arm in arms}
    stray = any(users.get(arm, 0) for arm in shares if not shares[arm])
    found = [users.get(arm, 0) for arm in arms]
    p = 0.0 if stray else float(chisquare(found, list(expected.values())).pvalue)
    return Mismatch(expected, p, p < ALARM_P)
