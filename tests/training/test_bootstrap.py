import numpy as np
import pytest

from training.bootstrap import RESAMPLES, estimate, estimates, ratio, resampled


def test_an_interval_holds_the_true_mean_about_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(0)
    intervals = [estimate(rng.exponential(2.0, 200), seed) for seed in range(200)]
    held = np.mean([one.low <= 2.0 <= one.high for one in intervals])
    assert 0.9 <= held <= 0.985


def test_an_interval_is_as_wide_as_the_standard_error_says() -> None:
    values = np.random.default_rng(1).normal(5.0, 1.0, 400)
    one = estimate(values, 3)
    assert one.mean == pytest.approx(values.mean())
    assert one.high - one.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_the_same_seed_draws_the_same_users_whatever_is_averaged() -> None:
    values = np.random.default_rng(2).normal(size=(50, 2))
    together = resampled(values, 7)
    np.testing.assert_allclose(resampled(values[:, 1:], 7)[:, 0], together[:, 1])
    assert estimates(values, 7) == estimates(values, 7)
    assert estimates(values, 7) != estimates(values, 8)


def test_many_users_are_resampled_in_parts_like_few() -> None:
    values = np.random.default_rng(3).normal(1.0, 1.0, 30_000)
    means = resampled(values[:, None], 1)[:, 0]
    assert len(means) == RESAMPLES
    assert means.std() == pytest.approx(values.std() / np.sqrt(30_000), rel=0.1)


def test_a_paired_ratio_is_surer_than_its_two_parts() -> None:
    rng = np.random.default_rng(4)
    hard = rng.uniform(0.0, 1.0, 300)
    lift = ratio(1.1 * hard + rng.normal(0, 0.01, 300), hard, 5)
    assert lift.low > 1.08
    assert lift.high < 1.12
    alone = estimate(hard, 5)
    assert (alone.high - alone.low) / alone.mean > 4 * (lift.high - lift.low)
