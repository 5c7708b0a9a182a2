"""Masks asked for by many threads at once, with room for few of them."""

import pytest

from service import filters as module
from service.filters import Filters
from tests.races.together import against, together

ITEMS, MASKS, ASKED = 300, 8, 2000


@pytest.fixture
def filters(monkeypatch: pytest.MonkeyPatch) -> Filters:
    monkeypatch.setattr(module, "MOST_MASKS", MASKS)
    return Filters([{"n": item} for item in range(ITEMS)])


def test_every_mask_is_the_one_asked_for_and_no_more_are_kept_than_there_is_room(
    filters: Filters,
) -> None:
    def ask(seed: int) -> None:
        for turn in range(ASKED):
            least = (seed + turn * 7) % ITEMS
            hidden = filters.hidden(f"n >= {least}")
            assert int(hidden.sum()) == least
            assert not hidden.flags.writeable

    def look() -> None:
        assert len(filters) <= MASKS

    against([lambda: ask(0), lambda: ask(3), lambda: ask(100)], look)
    assert len(filters) == MASKS


def test_a_mask_that_all_ask_for_at_once_is_equal_for_all(filters: Filters) -> None:
    made = [list[bytes]() for _ in range(MASKS)]

    def ask() -> None:
        for turn, masks in enumerate(made):
            masks.append(filters.hidden(f"n < {turn}").tobytes())

    together(ask, ask, ask, ask)
    assert [len(masks) for masks in made] == [4] * MASKS
    assert [len(set(masks)) for masks in made] == [1] * MASKS
