"""The check: what one policy's log says that the other earns, beside what the other did earn."""

from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.bootstrap import Estimate, estimate
from training.offpolicy import bandit
from training.offpolicy.bandit import POSITIONS, Log
from training.offpolicy.estimators import (
    Terms,
    doubly_robust,
    effective_rounds,
    inverse_propensity,
    self_normalised,
)
from training.progress import Progress, silent

SIMULATIONS: Final = 100_000
PRIOR_SHOWS: Final = 100.0
"""The reward model's pretended shows at the campaign's mean: a cell has about 40 real ones."""

type Policy = NDArray[np.float64]
"""float64[n_actions, 3]: how likely each action is at each position."""


class OffPolicy(msgspec.Struct, frozen=True):
    """What a log of ``behaviour`` says of ``target``, by estimator, and what ``target`` earned.

    Values are clicks per item shown. ``relative_errors`` are against the on-policy mean, itself
    uncertain; ``agrees`` tells whether the two intervals overlap. ``effective_rounds`` is how
    many of the ``rounds`` are left after weighting.
    """

    campaign: str
    behaviour: str
    target: str
    rounds: int
    effective_rounds: float
    on_policy: Estimate
    estimates: dict[str, Estimate]
    relative_errors: dict[str, float]
    agrees: dict[str, bool]


def check(seed: int, progress: Progress = silent, folder: Path | None = None) -> list[OffPolicy]:
    """Estimate each policy from the other's log in each campaign (Saito et al. 2021, sec. 5).

    Raises:
        DataError: the data cannot be had.
    """
    folder = bandit.fetch(folder, progress)
    checks = []
    for done, campaign in enumerate(bandit.CAMPAIGNS):
        progress("off-policy", done, len(bandit.CAMPAIGNS))
        logs = {name: bandit.read_log(folder, name, campaign) for name in bandit.POLICIES}
        alphas, betas = bandit.read_priors(folder, campaign)
        policies = {
            "random": np.full((len(alphas), POSITIONS), 1.0 / len(alphas)),
            "bts": thompson(alphas, betas, seed),
        }
        for behaviour, target in (("random", "bts"), ("bts", "random")):
            on_policy = estimate(logs[target].rewards, seed)
            terms, weights = estimators(logs[behaviour], policies[target])
            found = {name: one.estimate(seed) for name, one in terms.items()}
            checks.append(
                OffPolicy(
                    campaign,
                    behaviour,
                    target,
                    len(weights),
                    effective_rounds(weights),
                    on_policy,
                    found,
                    {name: one.mean / on_policy.mean - 1.0 for name, one in found.items()},
                    {
                        name: one.low <= on_policy.high and on_policy.low <= one.high
                        for name, one in found.items()
                    },
                )
            )
    progress("off-policy", len(bandit.CAMPAIGNS), len(bandit.CAMPAIGNS))
    return checks


def estimators(log: Log, target: Policy) -> tuple[dict[str, Terms], NDArray[np.float64]]:
    """Return each estimator's terms for the target, and the rounds' weights float64[n]."""
    weights = target[log.actions, log.positions] / log.propensities
    predicted, expected = _rewards(log, target)
    terms = {
        "IPS": inverse_propensity(log.rewards, weights),
        "SNIPS": self_normalised(log.rewards, weights),
        "DR": doubly_robust(log.rewards, weights, predicted, expected),
    }
    return terms, weights


def thompson(alphas: NDArray[np.float64], betas: NDArray[np.float64], seed: int) -> Policy:
    """Return how likely Bernoulli Thompson sampling puts each action at each position.

    By simulation: each action draws a click rate from its Beta distribution, the three highest
    are shown in that order (Chapelle, Li, NeurIPS 2011).
    """
    rng = np.random.default_rng(seed)
    counts = np.zeros((len(alphas), POSITIONS))
    for _ in range(10):  # in parts, to bound the memory
        draws = rng.beta(alphas, betas, (SIMULATIONS // 10, len(alphas)))
        best = np.argsort(-draws, axis=1)[:, :POSITIONS]
        for position in range(POSITIONS):
            counts[:, position] += np.bincount(best[:, position], minlength=len(alphas))
    return counts / SIMULATIONS


def _rewards(log: Log, target: Policy) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the model's rewards of the actions taken and its mean over the target's, float64[n].

    The model is the click rate of an action at a position, drawn to the mean; each half of the
    rounds is predicted from the other, so that no round speaks for itself.
    """
    n = len(log.actions)
    predicted, expected = np.empty(n), np.empty(n)
    halves = np.arange(n) % 2
    for half in (0, 1):
        known = halves != half
        cells = np.ravel_multi_index((log.actions[known], log.positions[known]), target.shape)
        shows = np.bincount(cells, minlength=target.size)
        clicks = np.bincount(cells, log.rewards[known], minlength=target.size)
        mean = log.rewards[known].mean()
        model = ((clicks + PRIOR_SHOWS * mean) / (shows + PRIOR_SHOWS)).reshape(target.shape)
        asked = ~known
        predicted[asked] = model[log.actions[asked], log.positions[asked]]
        expected[asked] = (model * target).sum(axis=0)[log.positions[asked]]
    return predicted, expected
