"""Shares of the time that is left, and why a read fell back."""

from math import inf

import pytest

from features.errors import StoreUnavailable
from service import budget


@pytest.mark.parametrize(
    ("reason", "stop_ns", "told"),
    [
        ("store_timeout", 0, "deadline"),  # the request had no more time
        ("store_timeout", inf, "store_timeout"),  # it had, the store did not
        ("store_down", 0, "store_down"),  # and that is why, whatever the time
    ],
)
def test_the_deadline_is_the_reason_where_the_time_was_over(
    reason: str, stop_ns: float, told: str
) -> None:
    assert budget.reason(StoreUnavailable(reason), stop_ns) == told


def test_every_stage_leaves_something_for_those_behind_it() -> None:
    shares = (budget.CONTEXT, budget.RETRIEVE, budget.FEATURES, budget.SCORE, budget.RERANK)
    assert all(0 < share < 1 for share in shares)
