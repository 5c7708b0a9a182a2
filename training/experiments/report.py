"""The report of an experiment: each arm's figures, their lift, and what to be careful about."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import numpy as np

from ranking.experiments import CONTROL
from training.experiments.cuped import adjusted
from training.experiments.estimate import CONFIDENCE, Estimate
from training.experiments.lift import Lift, bootstrap_lift, lift
from training.experiments.mismatch import Mismatch, sample_ratio_mismatch
from training.experiments.preference import Preference, preferences
from training.experiments.ratio import Ratio
from training.experiments.tally import Arm, Tally

FEW_USERS: Final = 100
"""With fewer in an arm a sum is hardly normal, and a percentile hardly known."""

PEEKING: Final = (
    "the intervals hold for one look at a time fixed beforehand; who looks every day and stops at "
    "the first difference finds one where there is none"
)

METRICS: Final[dict[str, Callable[[Arm], Ratio]]] = {
    "conversion": lambda arm: Ratio.of(arm.goals > 0),
    "rate": lambda arm: Ratio.of(arm.goals, arm.shown),
    "value": lambda arm: Ratio.of(arm.worth),
}
"""The share of users with a goal, goals per slate, and the worth of a user's goals."""

MEANS: Final = ("conversion", "value")
"""What CUPED adjusts: a rate is none of its means."""


class ArmReport(msgspec.Struct, frozen=True):
    """One arm: how many users and slates; by metric its figure, and its lift over control."""

    name: str
    users: int
    slates: int
    metrics: dict[str, Estimate]
    lifts: dict[str, Lift]


class Report(msgspec.Struct, frozen=True):
    """What came of an experiment; `msgspec.json.encode` makes what ``--json`` prints.

    Times are milliseconds since the epoch. ``crossed`` users were in several arms and are left out.
    """

    experiment: str
    goals: tuple[str, ...]
    confidence: float
    method: str
    first_ms: int
    last_ms: int
    crossed: int
    arms: tuple[ArmReport, ...]
    mismatch: Mismatch | None
    interleaving: dict[str, Preference]
    cautions: tuple[str, ...]


def report(
    experiment: str,
    found: Tally,
    goals: tuple[str, ...],
    shares: Mapping[str, float] | None = None,
    *,
    confidence: float = CONFIDENCE,
    cuped: bool = False,
    bootstrap_seed: int | None = None,
) -> Report:
    """Compute everything; control first, then the arms by name.

    ``shares`` are the arms' as set; without them sizes are not checked. With a seed the intervals
    of lifts are bootstrapped, else they are the delta method's.
    """
    names = sorted(found.arms, key=lambda name: (name != CONTROL, name))
    ratios = {
        metric: _ratios(metric, of, [found.arms[name] for name in names], cuped=cuped)
        for metric, of in METRICS.items()
    }
    reports = []
    for index, name in enumerate(names):
        lifts = {}
        if name != CONTROL and CONTROL in names:
            lifts = {
                metric: lift(arms[0], arms[index], confidence)
                if bootstrap_seed is None
                else bootstrap_lift(arms[0], arms[index], bootstrap_seed, confidence)
                for metric, arms in ratios.items()
            }
        figures = {metric: arms[index].estimate(confidence) for metric, arms in ratios.items()}
        arm = found.arms[name]
        reports.append(ArmReport(name, len(arm), int(arm.shown.sum()), figures, lifts))
    users = {arm.name: arm.users for arm in reports}
    mismatch = sample_ratio_mismatch(users, shares) if shares else None
    drafted = {
        name: preferences(arm.leanings, confidence)
        for name, arm in found.arms.items()
        if arm.leanings
    }
    method = "delta method" if bootstrap_seed is None else "bootstrap by user"
    return Report(
        experiment,
        goals,
        confidence,
        f"{method}, adjusted by earlier behaviour (CUPED)" if cuped else method,
        found.first_ms,
        found.last_ms,
        found.crossed,
        tuple(reports),
        mismatch,
        drafted,
        tuple(_cautions(reports, mismatch, found.crossed, confidence)),
    )


def _ratios(
    metric: str, of: Callable[[Arm], Ratio], arms: list[Arm], *, cuped: bool
) -> list[Ratio]:
    ratios = [of(arm) for arm in arms]
    if not cuped or metric not in MEANS or not arms:
        return ratios
    return adjusted(ratios, [np.log1p(arm.before) for arm in arms])


def _cautions(
    arms: list[ArmReport], mismatch: Mismatch | None, crossed: int, confidence: float
) -> list[str]:
    said = [PEEKING]
    if mismatch is None:
        said.append("whether the arms are as large as they should be was not checked")
    elif mismatch.alarm:
        said.insert(
            0,
            f"the arms are not as large as they should be (p = {mismatch.p:.1g}): some users are "
            "missing, and who is missing decides the rest: believe none of it before you know why",
        )
    lifts = sum(len(arm.lifts) for arm in arms)
    if lifts > 1:
        said.append(
            f"of {lifts} lifts, each has a chance of {1 - confidence:.0%} to look real by accident"
        )
    if crossed:
        said.append(
            f"{crossed} users were in more than one arm and are left out: the shares were changed, "
            "or a salt was used again"
        )
    few = [arm.name for arm in arms if arm.users < FEW_USERS]
    if few:
        said.append(f"fewer than {FEW_USERS} users in {', '.join(few)}: intervals are rough")
    if arms and arms[0].name != CONTROL:
        said.append(f"nobody is in {CONTROL!r}, so there is no lift")
    return said
