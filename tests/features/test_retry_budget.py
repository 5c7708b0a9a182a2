"""A tenth of the requests, whatever happens."""

from hypothesis import given
from hypothesis import strategies as st

from features.retry_budget import AT_FIRST, AT_MOST, RetryBudget


@given(st.lists(st.booleans(), max_size=3000))
def test_retries_are_at_most_a_tenth_of_the_requests_and_what_was_saved(tries: list[bool]) -> None:
    budget, retries = RetryBudget(), 0
    for number, wants in enumerate(tries, 1):
        budget.deposit()
        retries += wants and budget.withdraw()
        assert retries <= AT_FIRST + 0.1 * number + 1e-6


def test_a_calm_day_gives_no_right_to_a_storm() -> None:
    budget = RetryBudget()
    for _ in range(1_000_000):
        budget.deposit()
    allowed = sum(budget.withdraw() for _ in range(1000))
    assert allowed <= AT_MOST + 1


def test_a_lone_client_that_always_wants_to_retry_may_do_so_each_tenth_time() -> None:
    budget = RetryBudget()
    made = 0
    for _ in range(10_000):
        budget.deposit()
        made += budget.withdraw()
    assert 1000 <= made <= 1000 + AT_FIRST
