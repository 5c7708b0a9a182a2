"""Cursors: what is written is read again, and whatever else a client sends is refused as such."""

import zlib
from base64 import urlsafe_b64encode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http import cursor
from service.http.cursor import MOST_SHOWN, Cursor
from service.http.problems import CursorInvalid
from service.http.wire import LONGEST_CURSOR

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128)


def token_of(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def packed(*values: object) -> bytes:
    return msgspec.msgpack.encode(values)


@given(st.integers(0, 2**53 - 1), st.lists(ids, max_size=40))
def test_what_a_cursor_says_comes_back(seed: int, shown: list[str]) -> None:
    token = cursor.write(seed, tuple(shown))
    if token is not None:
        assert len(token) <= LONGEST_CURSOR
        assert cursor.read(token) == Cursor(seed, tuple(shown))


def test_forty_pages_of_short_ids_fit_and_a_cursor_that_would_not_is_none() -> None:
    shown = tuple(str(item * 7919 % 1_000_003) for item in range(800))
    token = cursor.write(7, shown)
    assert token is not None
    assert cursor.read(token).shown == shown
    assert cursor.write(7, ("x",) * (MOST_SHOWN + 1)) is None
    assert (
        cursor.write(7, tuple(f"{item * 0x9E3779B97F4A7C15:0128x}" for item in range(500))) is None
    )


@given(st.text(max_size=400) | st.text("ABCabc019-_=", max_size=400))
def test_no_text_is_more_than_refused(text: str) -> None:
    refused_or_read(text)


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x00", b"\x01", b"\x02", b"\x03"]))
def test_no_bytes_are_more_than_refused(raw: bytes, version: bytes) -> None:
    refused_or_read(token_of(version + raw))
    refused_or_read(token_of(b"\x02" + zlib.compress(raw)))


@given(st.data())
def test_no_changed_cursor_is_more_than_refused(data: st.DataObject) -> None:
    length = data.draw(st.sampled_from([3, 300]))
    token = cursor.write(5, tuple(f"item-{i}" for i in range(length)))
    assert token is not None
    at = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters(max_codepoint=0x17F))
    refused_or_read(token[:at] + character + token[at + 1 :])
    refused_or_read(token[:at])


def refused_or_read(token: str) -> None:
    try:
        found = cursor.read(token)
    except CursorInvalid as problem:
        assert (problem.status, problem.path) == (400, "$.after")  # noqa: PT017  either may be
    else:
        assert 0 <= found.seed < 2**53
        assert all(1 <= len(item) <= 128 for item in found.shown)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x01",
        b"\x03" + packed(1, ["a"]),
        b"\x01" + packed(1, ["a"]) + b"\x00",
        b"\x01" + packed(-1, ["a"]),
        b"\x01" + packed(2**53, ["a"]),
        b"\x01" + packed(1.5, ["a"]),
        b"\x01" + packed(1, [""]),
        b"\x01" + packed(1, ["a" * 129]),
        b"\x01" + packed(1, [1]),
        b"\x01" + packed(1),
        b"\x01" + packed(1, ["a"], 2),
        b"\x01" + packed(1, ["a"] * (MOST_SHOWN + 1)),
        b"\x01" + b"\x92\x01\x91\xa2\xff\xfe",
        b"\x01" + b"\x91" * 5000,
        b"\x02" + zlib.compress(packed(1, ["a"])) + b"more",
        b"\x02" + zlib.compress(packed(1, ["a"]))[:-1],
        b"\x02" + zlib.compress(b"\x00" * 2**22),
    ],
)
def test_a_forged_cursor_is_refused(raw: bytes) -> None:
    with pytest.raises(CursorInvalid, match="begin at the first page"):
        cursor.read(token_of(raw))


def test_a_cursor_is_read_as_it_was_written_and_no_other_way() -> None:
    token = cursor.write(5, ("a", "b"))
    assert token is not None
    for other in (f"{token}=", f"{token}\n", f" {token}", f"{token}é", token.replace("A", "A A")):
        with pytest.raises(CursorInvalid):
            cursor.read(other)


def test_the_problem_names_the_query_of_a_batch() -> None:
    with pytest.raises(CursorInvalid) as caught:
        cursor.read("none of ours", "$.queries[3].after")
    assert caught.value.path == "$.queries[3].after"
