"""How a history keeps what a user did, and which items it tells of, latest first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.events import history_entry, history_items

kinds = st.sampled_from(["view", "click", "purchase"])


@given(st.text(min_size=1), kinds, st.integers(0, 2**53))
def test_an_entry_gives_its_item_back_whatever_the_id(item: str, kind: str, time_ms: int) -> None:
    assert history_items([history_entry(item, kind, time_ms).encode()]) == [item]


def test_a_late_event_takes_its_place_by_time() -> None:
    # As the list holds them: the last one written first.
    entries = [history_entry(*entry) for entry in (("late", "view", 5), ("b", "click", 9))]
    assert history_items([entry.encode() for entry in entries]) == ["b", "late"]


def test_events_of_the_same_moment_keep_the_order_of_the_list() -> None:
    entries = [history_entry(item, "view", 7).encode() for item in "cab"]
    assert history_items(entries) == ["c", "a", "b"]


def test_times_are_compared_as_numbers() -> None:
    entries = [history_entry("old", "view", 999), history_entry("new", "view", 1000)]
    assert history_items([entry.encode() for entry in entries]) == ["new", "old"]


@pytest.mark.parametrize(
    "poison",
    [
        b"",
        b"50",
        b"7:view",
        b"7:view:",
        b"-7:view:50",
        b"7.5:view:50",
        b" 7:view:50",
        "\N{ARABIC-INDIC DIGIT SEVEN}:view:50".encode(),
        b"1" * 5000 + b":view:50",
    ],
)
def test_an_entry_of_another_form_is_passed_over(poison: bytes) -> None:
    good = [history_entry("a", "view", 2).encode(), history_entry("b", "view", 1).encode()]
    assert history_items([good[0], poison, good[1]]) == ["a", "b"]


@given(st.lists(st.binary(max_size=30)))
def test_arbitrary_entries_give_ids_or_nothing(entries: list[bytes]) -> None:
    assert len(history_items(entries)) <= len(entries)
