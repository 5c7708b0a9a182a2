"""Rows as bytes: what comes back is what went in, or the declared default, and never a guess."""

import struct
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.codec import (
    HEADER_BYTES,
    IMPUTED,
    REFUSED,
    Grid,
    decode_grid,
    decode_rows,
    encode_rows,
    fingerprints,
    no_odd,
    row_bytes,
)
from features.schema import Schema
from features.types import Rows
from tests.features.schemas import ITEM, draw

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


def schema_of(width: int, version: int = 3) -> Schema:
    feature = {"name": "vector", "shape": [width], "default": 0.25}
    return Schema.parse({"name": "item", "version": version, "features": [feature]})


def grid_of(encoded: list[bytes]) -> Grid:
    return np.frombuffer(b"".join(encoded), np.uint8).reshape(len(encoded), -1)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Schema, list[str], Rows]:
    schema = schema_of(draw(st.integers(1, 40)), draw(st.integers(1, 65535)))
    ids = draw(st.lists(st.text(min_size=1), min_size=1, max_size=9))
    shape = (len(ids), schema.width)
    return schema, ids, draw(arrays(np.float32, shape, elements=finite))


@given(tables())
def test_rows_come_back_bit_for_bit(table: tuple[Schema, list[str], Rows]) -> None:
    schema, ids, rows = table
    owners = fingerprints(ids)
    encoded = encode_rows(rows, owners, schema)
    assert {len(row) for row in encoded} == {row_bytes(schema)}
    for decoded, present in (
        decode_rows(encoded, owners, schema),
        decode_grid(grid_of(encoded), owners, schema),
    ):
        assert decoded.tobytes() == rows.tobytes()
        assert present.all()


def test_the_layout_is_the_one_that_is_written_down() -> None:
    row = np.array([[1.5, -2.0]], np.float32)
    owner = blake2b(b"50", digest_size=8).digest()
    expected = struct.pack("<HHI", 0xB41D, 7, 8) + owner + struct.pack("<2f", 1.5, -2.0)
    assert encode_rows(row, fingerprints(["50"]), schema_of(2, version=7)) == [expected]


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    assert fingerprints(["50", "Æ"]).tolist() == [
        int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
        for text in ("50", "Æ")
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_not_written_and_its_column_is_named(value: float) -> None:
    rows = draw(ITEM, 3)
    rows[1, 2] = value
    with pytest.raises(ValueError, match="row 1: 'genre=Comedy' is not a finite number"):
        encode_rows(rows, fingerprints("abc"), ITEM)


@pytest.mark.parametrize("shape", [(2, 6), (3, 5), (3, 7), (4, 6)])
def test_rows_of_another_shape_are_not_written(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        encode_rows(np.zeros(shape, np.float32), fingerprints("abc"), ITEM)


def test_rows_that_lie_apart_in_memory_are_encoded_like_any_others() -> None:
    wide = draw(ITEM, 6)
    rows, owners = wide[::2], fingerprints("abc")
    assert encode_rows(rows, owners, ITEM) == encode_rows(rows.copy(), owners, ITEM)
    turned = np.asfortranarray(rows)
    assert encode_rows(turned, owners, ITEM) == encode_rows(rows.copy(), owners, ITEM)


def refused_in_the_middle(value: bytes | None) -> None:
    """Check that the middle one of three rows is the default and its neighbours are themselves."""
    rows, owners = draw(ITEM, 3), fingerprints("abc")
    first, _, last = encode_rows(rows, owners, ITEM)
    decoded, present = decode_rows([first, value, last], owners, ITEM)
    assert present.tolist() == [True, False, True]
    assert decoded.tolist() == [rows[0].tolist(), ITEM.default_row.tolist(), rows[2].tolist()]


@pytest.fixture(scope="module")
def middle() -> bytes:
    return encode_rows(draw(ITEM, 3), fingerprints("abc"), ITEM)[1]


def test_a_missing_row_is_the_default() -> None:
    refused_in_the_middle(None)


def test_a_row_cut_short_anywhere_is_refused(middle: bytes) -> None:
    for length in range(len(middle)):
        refused_in_the_middle(middle[:length])


def test_a_row_that_is_too_long_is_refused(middle: bytes) -> None:
    refused_in_the_middle(middle + b"\0")
    refused_in_the_middle(middle + middle)


def test_any_flipped_bit_of_the_header_refuses_the_row(middle: bytes) -> None:
    for bit in range(8 * HEADER_BYTES):
        flipped = bytearray(middle)
        flipped[bit // 8] ^= 1 << bit % 8
        refused_in_the_middle(bytes(flipped))


def test_a_row_of_another_schema_version_is_refused() -> None:
    other = Schema.parse({"name": "item", "version": 4, "features": ITEM.features})
    refused_in_the_middle(encode_rows(draw(ITEM, 1), fingerprints("b"), other)[0])


def test_a_row_that_belongs_to_another_id_is_refused(middle: bytes) -> None:
    refused_in_the_middle(encode_rows(draw(ITEM, 1), fingerprints("a"), ITEM)[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_stored_value_that_is_no_number_is_the_default_and_the_rest_of_its_row_stays(
    value: float,
) -> None:
    rows, owners = draw(ITEM, 2), fingerprints("ab")
    encoded = [bytearray(row) for row in encode_rows(rows, owners, ITEM)]
    encoded[1][HEADER_BYTES + 16 : HEADER_BYTES + 20] = struct.pack("<f", value)
    decoded, present = decode_rows([bytes(row) for row in encoded], owners, ITEM)
    expected = rows.copy()
    expected[1, 4] = ITEM.default_row[4]
    assert decoded.tobytes() == expected.tobytes()
    assert present.all()


def test_decoded_rows_outlive_the_buffer_they_came_from() -> None:
    rows, owners = draw(ITEM, 3), fingerprints("abc")
    buffer = bytearray(b"".join(encode_rows(rows, owners, ITEM)))
    decoded, present = decode_grid(np.frombuffer(buffer, np.uint8).reshape(3, -1), owners, ITEM)
    buffer[:] = bytes(len(buffer))
    assert decoded.tobytes() == rows.tobytes()
    assert present.all()


def test_the_default_row_is_not_shared_with_what_is_handed_out() -> None:
    decoded, _ = decode_rows([None], fingerprints("a"), ITEM)
    decoded += 1
    assert ITEM.default_row.tolist() == [1990, 0, 0, 0, 0.5, 0.5]


def test_no_rows_are_no_error() -> None:
    decoded, present = decode_rows([], fingerprints([]), ITEM)
    assert (decoded.shape, present.shape) == ((0, 6), (0,))


@given(st.lists(st.one_of(st.none(), st.binary(max_size=2 * row_bytes(ITEM))), max_size=8))
def test_arbitrary_bytes_are_missing_rows(values: list[bytes | None]) -> None:
    owners = fingerprints(map(str, range(len(values))))
    decoded, present = decode_rows(values, owners, ITEM)
    assert not present.any()
    assert (decoded == ITEM.default_row).all()


def test_rows_refused_and_rows_imputed_are_counted() -> None:
    rows, owners = draw(ITEM, 5), fingerprints("abcde")
    encoded = encode_rows(rows, owners, ITEM)
    odd = no_odd()
    decode_rows(encoded, owners, ITEM, odd)
    assert odd.tolist() == [0, 0]
    strange = bytearray(encoded[1])
    strange[HEADER_BYTES:] = struct.pack("<f", np.nan) * ITEM.width  # one row, whatever is in it
    decode_rows([None, bytes(strange), encoded[0], encoded[3][:-4], b""], owners, ITEM, odd)
    assert (odd[REFUSED], odd[IMPUTED]) == (3, 1)
