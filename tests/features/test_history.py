"""How lists keep what a user did, and which items they tell of, latest first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.history import Entries, history_entry, read_entries
from features.user_reader import UserReads, UserRecord
from tests.features.replies import array_reply
from tests.features.schemas import USER

kinds = st.sampled_from(["view", "click", "purchase", "dislike"])
ids = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1)

LONGEST = 10_000


def as_entries(*entries: tuple[str, str, int]) -> list[bytes]:
    return [history_entry(*entry).encode() for entry in entries]


def read(entries: list[bytes]) -> Entries:
    reply = array_reply(entries)
    body = reply[reply.index(b"\n") + 1 :]
    found = read_entries(np.frombuffer(body, np.uint8), len(entries))
    assert found is not None
    assert found[1] == len(body)
    return found[0]


@given(ids, kinds, st.integers(0, 2**53))
def test_an_entry_gives_its_item_back_whatever_the_id(item: str, kind: str, time_ms: int) -> None:
    found = read(as_entries((item, kind, time_ms)))
    assert (found.item_ids, found.times_ms.tolist()) == ([item], [time_ms])
    assert found.disliked.tolist() == [kind == "dislike"]


@given(st.lists(st.tuples(ids, kinds, st.integers(0, 20))))
def test_items_times_and_dislikes_stay_together_latest_first(
    entries: list[tuple[str, str, int]],
) -> None:
    found = read(as_entries(*entries))
    expected = sorted(entries, key=lambda entry: -entry[2])
    assert found.item_ids == [item for item, _, _ in expected]
    assert found.times_ms.tolist() == [time_ms for _, _, time_ms in expected]
    assert found.disliked.tolist() == [kind == "dislike" for _, kind, _ in expected]


def test_a_late_event_takes_its_place_by_time() -> None:
    # As the list holds them: the last one written first.
    assert read(as_entries(("late", "view", 5), ("b", "click", 9))).item_ids == ["b", "late"]


def test_events_of_the_same_moment_keep_the_order_of_the_list() -> None:
    assert read(as_entries(*((item, "view", 7) for item in "cab"))).item_ids == ["c", "a", "b"]


def test_times_are_compared_as_numbers() -> None:
    found = read(as_entries(("old", "view", 999), ("new", "view", 1000)))
    assert found.item_ids == ["new", "old"]


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
        b"7:view:5\x000",
        "\N{ARABIC-INDIC DIGIT SEVEN}:view:50".encode(),
        b"1" * 5000 + b":view:50",
    ],
)
def test_an_entry_of_another_form_is_passed_over(poison: bytes) -> None:
    good = as_entries(("a", "view", 2), ("b", "view", 1))
    assert read([good[0], poison, good[1]]).item_ids == ["a", "b"]


@given(st.lists(st.binary(max_size=30)))
def test_arbitrary_entries_give_ids_or_nothing(entries: list[bytes]) -> None:
    found = read(entries)
    assert len(found.item_ids) == len(found.times_ms) == len(found.disliked) <= len(entries)


def both() -> UserReads:
    return UserReads(["ann", "bob"], USER, LONGEST)


def read_user(reply: bytes, lists: int = 1) -> UserRecord:
    reads = UserReads(["ann"], USER, LONGEST, LONGEST if lists == 2 else 0)
    _, reader = reads.whole()
    found = reader(bytearray(reply), 0, len(reply))
    assert found is not None
    assert found[1] == len(reply)
    return reads.records()[0]


def test_a_disliked_item_is_no_taste_until_it_is_liked_again() -> None:
    entries = as_entries(
        ("a", "click", 50),
        ("b", "dislike", 40),
        ("a", "dislike", 30),
        ("c", "view", 20),
        ("b", "purchase", 10),
    )
    user = read_user(b"$-1\r\n" + array_reply(entries))
    assert (user.history, user.times_ms.tolist(), user.disliked) == (["a", "c"], [50, 20], ["b"])


def test_what_was_shown_comes_beside_the_history_where_it_is_asked_for() -> None:
    shown = as_entries(("x", "served", 9), ("y", "impression", 8), ("x", "impression", 3))
    reply = b"$-1\r\n" + array_reply(as_entries(("a", "click", 5))) + array_reply(shown)
    user = read_user(reply, lists=2)
    assert user.history == ["a"]
    assert (user.shown, user.shown_times_ms.tolist()) == (["x", "y", "x"], [9, 8, 3])


def test_replies_are_awaited_wherever_they_are_cut_and_found_wherever_they_lie() -> None:
    """The connection moves what it has not consumed to the front of another buffer."""
    entries = as_entries(*((f"i{number}", "view", number) for number in range(12)))
    reply = b"$-1\r\n" + array_reply(entries) + b"$3\r\nrow\r\n*0\r\n"
    expected = [(f"i{number}") for number in reversed(range(12))]
    reads = both()
    _, reader = reads.whole()
    for cut in range(len(reply)):
        start = cut % 7
        assert both().whole()[1](bytearray(reply[:cut]), 0, cut) is None
        assert reader(bytearray(start) + reply[:cut], start, start + cut) is None
    found = reader(bytearray(reply + b"more"), 0, len(reply) + 4)
    assert found is not None
    assert found[1] == len(reply)
    assert [record.history for record in reads.records()] == [expected, []]


def test_a_refusal_names_its_command_and_leaves_the_next_reply_in_place() -> None:
    reply = b"$-1\r\n-WRONGTYPE no list\r\n$-1\r\n*0\r\n"
    _, reader = both().whole()
    found = reader(bytearray(reply + b"+PONG\r\n"), 0, len(reply) + 7)
    assert found is not None
    assert found[1] == len(reply)
    [(places, refusal)] = reader.refused
    assert (places.tolist(), refusal.detail) == ([1], "WRONGTYPE no list")


@pytest.mark.parametrize(
    "reply",
    [b"*1\r\n:5\r\n", b"*1\r\n$5\r\nabc\r\nde", b"*1\r\n$x\r\n", b"*9999999\r\n", b"*1\r\n$-1\r\n"],
)
def test_what_is_no_list_of_strings_ends_the_connection(reply: bytes) -> None:
    whole = b"$-1\r\n" + reply + b"$5\r\nabcde\r\n"
    with pytest.raises(ValueError, match=r"RESP|longer"):
        UserReads(["ann"], USER, LONGEST).whole()[1](bytearray(whole), 0, len(whole))
