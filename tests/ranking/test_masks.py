import numpy as np

from ranking.masks import blocked
from tests.ranking.snapshots import context, snapshot


def test_consumed_and_excluded_items_are_blocked_and_no_other() -> None:
    mask = blocked(context(4, 9, exclude=(2, 9)), snapshot())
    assert np.flatnonzero(mask).tolist() == [2, 4, 9]
    assert mask.dtype == np.bool_


def test_nothing_is_blocked_for_a_stranger() -> None:
    assert not blocked(context(), snapshot()).any()
