import numpy as np
import pytest

from training.interactions import Interactions


def made(*rows: tuple[int, int, int], n_users: int = 3) -> Interactions:
    users, items, times = zip(*rows, strict=True)
    return Interactions.of(
        np.array(users, np.int32), np.array(items, np.int32), np.array(times, np.int64), n_users
    )


def test_interactions_are_sorted_by_user_then_time_and_ties_keep_their_order() -> None:
    own = made((1, 5, 9), (0, 7, 3), (1, 6, 2), (1, 8, 2), (0, 4, 3))
    assert own.users.tolist() == [0, 0, 1, 1, 1]
    assert own.items.tolist() == [7, 4, 6, 8, 5]
    assert own.times.tolist() == [3, 3, 2, 2, 9]
    assert own.offsets.tolist() == [0, 2, 5, 5]


def test_a_repeat_counts_once_at_its_last_time() -> None:
    own = made((0, 1, 1), (0, 2, 2), (0, 1, 3), (1, 1, 1))
    assert own.items.tolist() == [2, 1, 1]
    assert own.times.tolist() == [2, 3, 1]


def test_a_history_is_most_recent_first() -> None:
    own = made((1, 5, 9), (1, 6, 2), (1, 8, 4))
    assert own.of_user(1).tolist() == [5, 8, 6]
    assert own.of_user(1).dtype == np.int64
    assert own.of_user(0).tolist() == []


@pytest.mark.parametrize(("n", "later"), [(1, 0), (2, 1), (3, 1), (7, 1), (8, 2), (10, 2), (13, 3)])
def test_the_later_part_is_the_rounded_share_and_at_least_one(n: int, later: int) -> None:
    before, after = made(*((0, item, item) for item in range(n))).split(0.2)
    assert before.items.tolist() == list(range(n - later))
    assert after.items.tolist() == list(range(n - later, n))


def test_a_split_is_by_time_within_each_user() -> None:
    rng = np.random.default_rng(0)
    rows = [(u, i, int(t)) for u in range(3) for i, t in enumerate(rng.integers(0, 99, 20 + u))]
    whole = made(*rows)
    before, after = whole.split(0.2)
    assert len(before) + len(after) == len(whole)
    assert before.n_users == after.n_users == 3
    for user in range(3):
        earlier = before.times[before.users == user]
        later = after.times[after.users == user]
        assert earlier.max() <= later.min()
        both = [*after.of_user(user), *before.of_user(user)]
        assert both == whole.of_user(user).tolist()
