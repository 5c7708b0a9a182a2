"""The short soak: everything at once for twenty seconds, every promise held all along."""

from pathlib import Path

import pytest

from tests.soak.ledger import Ledger
from tests.soak.soak import soak
from tests.soak.vitals import Sample, judge, slope_per_s

SECONDS = 20.0


@pytest.mark.slow
def test_every_promise_holds_while_everything_changes_at_once(tmp_path: Path) -> None:
    report = soak(tmp_path, SECONDS)
    assert report["violations"] == {}, report["examples"]
    assert report["requests"] > 500
    assert report["events"] > 5
    assert all(count > 0 for count in report["trouble"].values())


def growing(mib_per_s: float) -> list[Sample]:
    """Return ten minutes of samples, noisy and with a few peaks."""
    noise = (0, 3, -2, 1, 40, -1, 2)
    return [
        Sample(2.0 * look, 200 + 2 * mib_per_s * look + noise[look % 7], 20, 50)
        for look in range(300)
    ]


def test_a_leak_of_a_few_kilobytes_per_request_is_noticed_and_noise_is_not() -> None:
    assert slope_per_s(growing(0.05)) == pytest.approx(0.05, rel=0.05)
    leaking, flat = Ledger(), Ledger()
    judge(growing(0.05), leaking)
    judge(growing(0.0), flat)
    assert dict(leaking.violations) == {"memory is not flat": 1}
    assert dict(flat.violations) == {}
