from dataclasses import replace

import numpy as np

from ranking.masks import blocked
from tests.ranking.snapshots import context, snapshot


def test_consumed_and_excluded_items_are_blocked_and_no_other() -> None:
    mask = blocked(context(4, 9, exclude=(2, 9)), snapshot())
    assert np.flatnonzero(mask).tolist() == [2, 4, 9]
    assert mask.dtype == np.bool_


def test_nothing_is_blocked_for_a_stranger() -> None:
    assert not blocked(context(), snapshot()).any()


def test_what_is_retired_is_blocked() -> None:
    retired = np.arange(50) == 12
    mask = blocked(context(4), snapshot(retired=retired))
    assert np.flatnonzero(mask).tolist() == [4, 12]


def test_seen_items_are_open_where_they_may_be_shown_but_not_what_is_looked_at() -> None:
    ages = np.array([0.0, 0.0, 5.0, 90.0], np.float32)
    asker = replace(context(4, 9, 20, 30, exclude=(2,)), ages_s=ages)
    mask = blocked(asker, snapshot(), seen=False)
    assert np.flatnonzero(mask).tolist() == [2, 4, 9]
    unknown = context(4, 9, exclude=(2,))
    assert np.flatnonzero(blocked(unknown, snapshot(), seen=False)).tolist() == [2]


def test_a_filter_s_mask_is_added_to_and_left_alone() -> None:
    hidden = np.arange(50) == 33
    asker = replace(context(4), hidden=hidden)
    assert np.flatnonzero(blocked(asker, snapshot())).tolist() == [4, 33]
    assert np.flatnonzero(hidden).tolist() == [33]
