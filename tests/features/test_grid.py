"""The fast path through an MGET reply gives what the exact path gives, however the reply comes."""

import struct
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.codec import (
    HEADER_BYTES,
    decode_rows,
    encode_rows,
    fingerprints,
    no_odd,
    row_bytes,
)
from features.errors import CommandRefused
from features.grid import GridReader
from features.item_table import ItemTable
from features.types import Mask, Rows
from tests.features.replies import array_reply
from tests.features.schemas import ITEM, draw

IDS = [f"i{number}" for number in range(12)]  # two digits in the reply's header
OWNERS = fingerprints(IDS)
TABLE, ITEMS = ItemTable(IDS, ITEM), np.arange(len(IDS))
ROWS = draw(ITEM, len(IDS))
ENCODED = encode_rows(ROWS, OWNERS, ITEM)

LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


def read(
    buffer: bytearray, start: int, stop: int
) -> tuple[tuple[Rows, Mask] | CommandRefused, int] | None:
    return GridReader.of_one(TABLE, ITEMS)(buffer, start, stop)


def read_whole(reply: bytes) -> tuple[Rows, Mask]:
    decoded = read(bytearray(reply), 0, len(reply))
    assert decoded is not None
    value, end = decoded
    assert not isinstance(value, CommandRefused)
    assert end == len(reply)
    return value


def same(found: tuple[Rows, Mask], expected: tuple[Rows, Mask]) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(found, expected, strict=True))


def agrees_however_it_is_cut(values: Sequence[bytes | None]) -> None:
    """Check that each part of the reply is awaited, and the whole is what `decode_rows` makes."""
    reply = array_reply(values)
    reader = GridReader.of_one(TABLE, ITEMS)
    for cut in range(len(reply)):
        # The buffer ends where the bytes do, as it does when a read has filled it.
        assert read(bytearray(reply[:cut]), 0, cut) is None
        assert reader(bytearray(reply[:cut]), 0, cut) is None
    expected = decode_rows(values, OWNERS, ITEM)
    assert same(read_whole(reply), expected)
    decoded = reader(bytearray(reply), 0, len(reply))
    assert decoded is not None
    assert not isinstance(decoded[0], CommandRefused)
    assert same(decoded[0], expected)


def test_a_regular_reply_gives_the_rows_split_at_any_byte() -> None:
    agrees_however_it_is_cut(ENCODED)
    rows, present = read_whole(array_reply(ENCODED))
    assert rows.tobytes() == ROWS.tobytes()
    assert present.all()


@pytest.mark.parametrize("place", range(len(IDS)))
@pytest.mark.parametrize(
    "odd", [None, b"", ENCODED[0][:-4], ENCODED[0] + bytes(4), bytes(row_bytes(ITEM))]
)
def test_an_odd_row_at_any_place_is_the_default_split_at_any_byte(
    place: int, odd: bytes | None
) -> None:
    values: list[bytes | None] = [*ENCODED[:place], odd, *ENCODED[place + 1 :]]
    agrees_however_it_is_cut(values)
    rows, present = read_whole(array_reply(values))
    assert np.flatnonzero(~present).tolist() == [place]
    assert rows[place].tolist() == ITEM.default_row.tolist()


def test_a_reply_without_any_row_is_all_defaults() -> None:
    agrees_however_it_is_cut([None] * len(IDS))


values = st.one_of(
    st.none(),
    st.sampled_from(ENCODED),  # most of them foreign where they come to stand
    st.sampled_from([row[:9] + b"\xff" + row[10:] for row in ENCODED]),
    st.binary(max_size=row_bytes(ITEM) + 1),
)


@given(st.lists(values, min_size=len(IDS), max_size=len(IDS)), st.binary(max_size=9), st.data())
def test_fast_and_exact_path_agree_on_every_reply(
    values: list[bytes | None], ahead: bytes, data: st.DataObject
) -> None:
    reply = array_reply(values)
    start = len(ahead)
    reader = GridReader.of_one(TABLE, ITEMS)
    for cut in sorted(data.draw(st.lists(st.integers(0, len(reply) - 1), max_size=4))):
        assert reader(bytearray((ahead + reply)[: start + cut]), start, start + cut) is None
    # Meanwhile the buffer was moved: the reply begins elsewhere by now.
    decoded = reader(bytearray(reply + b"+next\r\n"), 0, len(reply) + 7)
    assert decoded is not None
    value, end = decoded
    assert end == len(reply)
    assert not isinstance(value, CommandRefused)
    assert same(value, decode_rows(values, OWNERS, ITEM))


def test_rows_that_follow_in_the_buffer_are_left_for_whoever_asked_for_them() -> None:
    reply = array_reply(ENCODED)
    both = bytearray(reply + array_reply(ENCODED[::-1]))
    decoded = read(both, 0, len(both))
    assert decoded is not None
    assert decoded[1] == len(reply)


def test_an_error_reply_is_a_refusal_split_at_any_byte() -> None:
    for cut in range(len(LOADING)):
        assert read(bytearray(LOADING[:cut]), 0, cut) is None
    decoded = read(bytearray(LOADING), 0, len(LOADING))
    assert decoded is not None
    refused, end = decoded
    assert isinstance(refused, CommandRefused)
    assert "LOADING" in str(refused)
    assert end == len(LOADING)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 13, 99, 100])
def test_the_reply_to_another_number_of_keys_is_refused_not_awaited(count: int) -> None:
    reply = array_reply((ENCODED * 9)[:count])
    with pytest.raises(ValueError, match="another length"):
        read(bytearray(reply), 0, len(reply))


@pytest.mark.parametrize("reply", [b":12\r\n", b"+OK\r\n", b"$-1\r\n", b"*-1\r\n", b"garbage\r\n"])
def test_what_is_no_array_is_refused(reply: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(bytearray(reply), 0, len(reply))


def test_rows_outlive_the_buffer_they_were_read_from() -> None:
    buffer = bytearray(array_reply(ENCODED))
    decoded = read(buffer, 0, len(buffer))
    assert decoded is not None
    value, _ = decoded
    assert not isinstance(value, CommandRefused)
    buffer[:] = bytes(len(buffer))
    assert value[0].tobytes() == ROWS.tobytes()


@given(st.lists(values, min_size=len(IDS), max_size=len(IDS)), st.data())
def test_several_replies_land_each_row_in_its_place_and_refusals_are_told(
    values: list[bytes | None], data: st.DataObject
) -> None:
    ends = sorted({*data.draw(st.sets(st.integers(1, len(IDS) - 1))), len(IDS)})
    bounds = np.array([0, *ends])
    places = np.array(data.draw(st.permutations(range(len(IDS)))))
    refused = data.draw(st.sets(st.integers(0, len(ends) - 1), max_size=max(0, len(ends) - 1)))
    wire, lost = b"", set[int]()
    for command, (begin, end) in enumerate(pairwise(bounds.tolist())):
        wire += LOADING if command in refused else array_reply(values[begin:end])
        lost |= set(range(begin, end)) if command in refused else set()
    rows, present = np.empty_like(ROWS), np.empty(len(IDS), np.bool_)
    reader = GridReader(TABLE, ITEMS, bounds, places, rows, present)
    for cut in sorted(data.draw(st.lists(st.integers(0, len(wire) - 1), max_size=4))):
        decoded = reader(bytearray(wire[:cut]), 0, cut)
        if decoded is not None:
            break
    else:
        decoded = reader(bytearray(wire), 0, len(wire))
    assert decoded is not None
    if len(ends) == 1 and refused:
        assert isinstance(decoded[0], CommandRefused)
        return
    shown = [None if place in lost else value for place, value in enumerate(values)]
    expected_rows, expected_present = decode_rows(shown, OWNERS, ITEM)
    assert same((rows[places], present[places]), (expected_rows, expected_present))
    told = {place for places_, _ in reader.refused for place in places_.tolist()}
    assert told == {int(places[place]) for place in lost}


def test_rows_refused_and_rows_imputed_are_counted_as_the_codec_counts_them() -> None:
    strange = ENCODED[2][:HEADER_BYTES] + struct.pack("<f", np.inf) * ITEM.width
    values = [None, ENCODED[0], strange, ENCODED[3][:-4], *ENCODED[4:]]
    counted, expected = no_odd(), no_odd()
    reader = GridReader(
        TABLE,
        ITEMS,
        np.array([0, len(IDS)]),
        ITEMS,
        np.empty((len(IDS), ITEM.width), np.float32),
        np.empty(len(IDS), np.bool_),
        counted,
    )
    reply = array_reply(values)
    assert reader(bytearray(reply), 0, len(reply)) is not None
    decode_rows(values, OWNERS, ITEM, expected)
    assert counted.tolist() == expected.tolist() == [2, 1]
