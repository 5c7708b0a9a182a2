"""The statistics of experiments, against known figures and against simulated worlds."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from training.experiments.cuped import adjusted
from training.experiments.lift import bootstrap_lift, lift
from training.experiments.mismatch import sample_ratio_mismatch
from training.experiments.preference import preferences
from training.experiments.ratio import Ratio

type Column = NDArray[np.float64]

SIMULATIONS = 500
# 500 intervals of 95 % hold 95 % give or take two standard errors of 1 %; beyond 3.5 is no luck.
FEWEST, MOST = 0.95 - 0.034, 0.95 + 0.034


def world(
    random: np.random.Generator, users: int, rate: float, spread: float = 1.0
) -> tuple[Column, Column]:
    """Return clicks and slates by user: each has a rate of their own, and more slates at some."""
    own = random.beta(spread, spread / rate - spread, users)
    slates = 1 + random.poisson(8 * own / rate)
    return random.binomial(slates, own).astype(float), slates.astype(float)


def test_a_rate_and_its_interval_are_the_delta_methods() -> None:
    """By hand: clicks (1, 2, 0, 3) of slates (2, 4, 1, 5)."""
    clicks, slates = np.array([1.0, 2, 0, 3]), np.array([2.0, 4, 1, 5])
    found = Ratio.of(clicks, slates)
    assert found.value == 0.5
    residuals = clicks - 0.5 * slates  # 0, 0, -0.5, 0.5
    by_hand = (residuals @ residuals / 3) / 4 / 3.0**2
    assert found.variance == pytest.approx(by_hand)
    covariance = np.cov(clicks, slates, ddof=1)
    papers = (covariance[0, 0] - 2 * 0.5 * covariance[0, 1] + 0.25 * covariance[1, 1]) / 9 / 4
    assert found.variance == pytest.approx(papers)
    estimate = found.estimate()
    assert estimate.low == pytest.approx(0.5 - 1.959964 * by_hand**0.5)
    assert estimate.high == pytest.approx(0.5 + 1.959964 * by_hand**0.5)


def test_a_mean_is_the_textbooks() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    found = Ratio.of(values).estimate()
    reach = stats.norm.ppf(0.975) * values.std(ddof=1) / 20
    assert found.value == pytest.approx(values.mean())
    assert found.high == pytest.approx(values.mean() + reach)


def test_a_lift_of_conversion_is_the_two_proportion_tests() -> None:
    """200 of 1000 against 250 of 1000, as `statsmodels` and every textbook have it: z = 2.68."""
    control = Ratio.of(np.repeat([1.0, 0.0], [200, 800]))
    variant = Ratio.of(np.repeat([1.0, 0.0], [250, 750]))
    found = lift(control, variant)
    assert found.relative.value == pytest.approx(0.25)
    assert found.relative.low == pytest.approx(0.25 - 1.96 * 0.1048, abs=2e-3)
    assert found.p == pytest.approx(2 * stats.norm.sf(0.25 / 0.1048), rel=0.02)
    assert found.p is not None
    assert found.p < 0.05


def test_intervals_of_95_percent_cover_the_truth_in_95_percent() -> None:
    """Clicks per slate of unlike users, where a click is not independent of the next."""
    truth_random = np.random.default_rng(99)
    clicks, slates = world(truth_random, 1_000_000, 0.1)
    better, more = world(truth_random, 1_000_000, 0.12)
    truth = Ratio.of(clicks, slates).value
    gain = Ratio.of(better, more).value / truth - 1
    rates = lifts = naive = 0
    for seed in range(SIMULATIONS):
        random = np.random.default_rng(seed)
        control = Ratio.of(*world(random, 400, 0.1))
        variant = Ratio.of(*world(random, 400, 0.12))
        interval = control.estimate()
        assert interval.low is not None
        assert interval.high is not None
        rates += bool(interval.low <= truth <= interval.high)
        relative = lift(control, variant).relative
        assert relative.low is not None
        assert relative.high is not None
        lifts += bool(relative.low <= gain <= relative.high)
        reach = 1.96 * (control.value * (1 - control.value) / control.below.sum()) ** 0.5
        naive += bool(abs(control.value - truth) <= reach)
    assert FEWEST < rates / SIMULATIONS < MOST
    assert FEWEST < lifts / SIMULATIONS < MOST
    # Slates taken for independent, as is often done, would be far too sure of themselves.
    assert naive / SIMULATIONS < 0.8


def test_an_a_a_test_finds_a_lift_in_one_of_twenty_and_none_on_average() -> None:
    found, gains = 0, []
    for seed in range(SIMULATIONS):
        random = np.random.default_rng(1000 + seed)
        control, variant = (Ratio.of(*world(random, 400, 0.1)) for _ in range(2))
        one = lift(control, variant)
        assert one.p is not None
        assert one.relative.value is not None
        found += one.p < 0.05
        gains.append(one.relative.value)
    assert 1 - MOST < found / SIMULATIONS < 1 - FEWEST
    assert abs(np.mean(gains)) < 4 * np.std(gains) / SIMULATIONS**0.5 + 0.01


def test_the_bootstrap_agrees_with_the_delta_method() -> None:
    random = np.random.default_rng(3)
    control, variant = (Ratio.of(*world(random, 2000, rate)) for rate in (0.1, 0.12))
    by_delta, drawn = lift(control, variant), bootstrap_lift(control, variant, seed=5)
    assert drawn.relative.value == by_delta.relative.value
    assert drawn.relative.low == pytest.approx(by_delta.relative.low, abs=0.02)
    assert drawn.relative.high == pytest.approx(by_delta.relative.high, abs=0.02)
    assert drawn == bootstrap_lift(control, variant, seed=5)
    assert drawn != bootstrap_lift(control, variant, seed=6)


def test_what_is_not_known_is_none() -> None:
    nothing, one = Ratio.of(np.zeros(5)), Ratio.of(np.ones(1))
    assert lift(nothing, one).relative.value is None
    assert bootstrap_lift(nothing, one, 0).relative.value is None
    assert one.estimate().value == 1
    assert one.estimate().low is None
    assert Ratio.of(np.zeros(3), np.zeros(3)).estimate().value is None


def test_cuped_keeps_the_lift_and_narrows_it() -> None:
    random = np.random.default_rng(4)
    before = [random.normal(10, 3, 3000) for _ in range(2)]
    arms = [
        Ratio.of(known + random.normal(gain, 1, 3000))
        for known, gain in zip(before, (0, 0.5), strict=True)
    ]
    narrow = adjusted(arms, before)
    plain, better = (lift(pair[0], pair[1]).relative for pair in (arms, narrow))
    assert better.value == pytest.approx(0.05, abs=0.01)
    widths = [(one.high or 0) - (one.low or 0) for one in (plain, better)]
    assert widths[1] < widths[0] / 2.5
    assert adjusted(arms, [np.zeros(3000)] * 2) is arms


def test_a_mismatch_of_sizes_is_the_known_figure() -> None:
    """821588 and 815482 users of a fair deal: Fabijan et al. 2019 find p = 1.8e-6."""
    found = sample_ratio_mismatch({"a": 821_588, "b": 815_482}, {"a": 0.5, "b": 0.5})
    assert found is not None
    assert found.p == pytest.approx(1.8e-6, rel=0.05)
    assert found.alarm
    assert found.expected == {"a": 818_535, "b": 818_535}


def test_a_fair_deal_raises_no_alarm() -> None:
    found = sample_ratio_mismatch({"control": 5030, "a": 4970}, {"control": 0.5, "a": 0.5})
    assert found is not None
    assert not found.alarm
    assert sample_ratio_mismatch({}, {"control": 0.5, "a": 0.5}) is None
    stray = sample_ratio_mismatch({"control": 1, "a": 1, "b": 9}, {"control": 1, "a": 1, "b": 0})
    assert stray is not None
    assert stray.alarm


def test_a_preference_is_the_sign_tests() -> None:
    """15 of 20 who have one: two-sided p = 0.0414, as in any table of the binomial."""
    found = preferences([2] * 10 + [1] * 5 + [-1] * 5 + [0] * 7)
    assert (found.wins, found.losses, found.ties) == (15, 5, 7)
    assert found.p == pytest.approx(0.0413895, abs=1e-6)
    assert found.share.value == 0.75
    assert found.share.low == pytest.approx(0.5313, abs=1e-4)  # Wilson
    assert found.share.high == pytest.approx(0.8881, abs=1e-4)
    assert preferences([0, 0]).p is None
