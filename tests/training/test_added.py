"""When an item was new."""

import numpy as np
import pytest

from ranking.catalogue import Catalogue
from training.added import added_times, moment
from training.interactions import Interactions

NEW_YEAR = 1767225600000  # 2026-01-01


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-01", NEW_YEAR),
        ("2026-01-01T00:00:00Z", NEW_YEAR),
        ("2026-01-01T02:00:00+02:00", NEW_YEAR),
        (1767225600, NEW_YEAR),
        (1767225600.5, NEW_YEAR + 500),
        (NEW_YEAR, NEW_YEAR),
        (-86_400, -86_400_000),
        ("yesterday", None),
        ("", None),
        (True, None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        (1e300, None),
        ([NEW_YEAR], None),
    ],
)
def test_a_moment_is_read_in_any_usual_form(value: object, expected: int | None) -> None:
    assert moment(value) == expected


def test_a_property_tells_when_an_item_was_new_and_else_its_first_interaction() -> None:
    shown = (
        {"added_at": "2026-01-01", "created_at": "2020-01-01"},
        {"added_at": "soon", "created_at": "2026-01-01"},
        {"title": "first taken at 3"},
        {"title": "never taken"},
    )
    own = Interactions.of(
        users=np.array([0, 1, 2, 0], np.int32),
        items=np.array([2, 2, 0, 1], np.int32),
        times=np.array([7, 3, 5, 9], np.int64),
        n_users=3,
    )
    added = added_times(Catalogue(("a", "b", "c", "d"), shown), own)
    assert added.tolist() == [NEW_YEAR, NEW_YEAR, 3, 9]
    assert added.dtype == np.int64


def test_without_interactions_everything_is_as_old() -> None:
    none = Interactions.of(np.empty(0, "i4"), np.empty(0, "i4"), np.empty(0, "i8"), 2)
    assert added_times(Catalogue(("a", "b"), ({}, {})), none).tolist() == [0, 0]
