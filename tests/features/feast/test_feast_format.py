"""Feast's keys, names and values, by hand: also what Feast would not have written."""

from struct import pack

import numpy as np
import pytest

from features.codec import IMPUTED
from features.errors import SchemaInvalid
from features.feast.entity_keys import EntityKeys
from features.feast.murmur import field_name, murmur3
from features.feast.rows import Layout, RowReads
from features.feast.value import NotReadable, read_value
from features.feast.view import View
from features.resp import bulk
from features.schema import Schema

WIDE = Schema.parse(
    {"name": "item", "version": 1, "features": [{"name": f"f{n}", "default": n} for n in range(3)]}
)


@pytest.mark.parametrize(
    ("text", "hashed"),
    [("", 0), ("a", 0x3C2569B2), ("hello", 0x248BFA47), ("hello, world", 0x149BBB7F)],
)
def test_murmur3_gives_the_published_values(text: str, hashed: int) -> None:
    assert murmur3(text.encode()) == hashed


def test_a_field_is_the_little_endian_hash_of_view_and_feature() -> None:
    assert field_name("a", "b") == pack("<I", murmur3(b"a:b"))


@pytest.mark.parametrize(("kind", "entity"), [("string", "ü"), ("int64", "-7"), ("int32", "12")])
def test_a_key_tells_its_entity(kind: str, entity: str) -> None:
    keys = EntityKeys("shop", "item_id", kind)  # type: ignore[arg-type]  # one of three words
    assert keys.entity(keys.key(entity)) == entity
    assert keys.key(entity).startswith(keys.prefix)
    assert EntityKeys("other", "item_id").entity(keys.key(entity)) is None
    assert EntityKeys("shop", "user_id").entity(keys.key(entity)) is None


def test_an_id_that_is_no_number_is_nobodys() -> None:
    keys = EntityKeys("shop", "item_id", "int64")
    assert keys.key("a word") != keys.key("0")
    assert keys.key(str(2**70)) != keys.key("0")


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (b"\x35" + pack("<f", 1.5), 1.5),
        (b"\x29" + pack("<d", -0.1), -0.1),
        (b"\x20\x05", 5),
        (b"\x18" + b"\xff" * 9 + b"\x01", -1),
        (b"\x38\x01", True),
        (b"\x12\x02hi", "hi"),
        (b"\x98\x01\x00", None),
        (b"", None),
        (b"\x82\x01\x0a\x0a\x08" + pack("<2f", 1, 2), [1, 2]),
        (b"\x82\x01\x0a\x0d" + pack("<f", 1) + b"\x0d" + pack("<f", 2), [1, 2]),  # not packed
        (b"\x72\x04\x0a\x02\x01\x02", [1, 2]),
        (b"\x62\x06\x0a\x01x\x0a\x01y", ["x", "y"]),
    ],
)
def test_a_value_is_read(message: bytes, value: object) -> None:
    assert read_value(message) == value


@pytest.mark.parametrize(
    "message",
    [
        b"\x35\x00\x00",  # cut off
        b"\x20\x80",
        b"\x20" + b"\x80" * 20,
        b"\x0a\x01x",  # bytes
        b"\xa2\x01\x00",  # a map
        b"\x33\x00",  # a group
        b"\x12\x01\xff",
        b"\x82\x01\x05\x0a\x03abc",
        b"\xff",
    ],
)
def test_what_is_no_value_is_refused(message: bytes) -> None:
    with pytest.raises(NotReadable):
        read_value(message)


def replied(*replies: list[bytes | None]) -> RowReads:
    layout = Layout(WIDE, [b"1234", b"5678", b"90ab"])
    reads = RowReads(layout, [b"key"] * len(replies))
    wire = bytearray()
    for values in replies:
        wire += b"*%d\r\n" % len(values)
        wire += b"".join(b"$-1\r\n" if value is None else bulk(value) for value in values)
    _, reader = reads.whole()
    for stop in range(0, len(wire), 7):  # it comes in pieces
        assert reader(wire, 0, stop) is None
    assert reader(wire, 0, len(wire)) is not None
    return reads


def test_plain_and_other_replies_stand_in_their_places() -> None:
    one, two = (b"\x35" + pack("<f", value) for value in (1.25, -2.5))
    reads = replied(
        [one, two, one],
        [None, None, None],
        [two, None, b"\x20\x07"],
        [b"\x35\r\n\r\n", one, one],  # bytes that look like the end of a line
        [two, two, two],
    )
    rows, present = reads.rows()
    odd = np.frombuffer(b"\r\n\r\n", "<f4")[0]
    want = [[1.25, -2.5, 1.25], [0, 1, 2], [-2.5, 1, 7], [odd, 1.25, 1.25], [-2.5] * 3]
    assert rows.tobytes() == np.array(want, np.float32).tobytes()
    assert present.tolist() == [True, False, True, True, True]
    assert reads.odd[IMPUTED] == 1


def test_what_does_not_fit_is_the_default_and_counted() -> None:
    nan, inf = (b"\x35" + pack("<f", value) for value in (np.nan, np.inf))
    reads = replied([nan, inf, nan], [b"\x12\x01x", b"\x20\x07", b"\x0a\x01x"])
    rows, present = reads.rows()
    assert rows.tolist() == [[0, 1, 2], [0, 7, 2]]
    assert present.all()
    assert reads.odd[IMPUTED] == 2


def test_a_feature_that_the_schema_has_not_is_named() -> None:
    view = View("item_id", "items", features={"colour": "items:color"})
    with pytest.raises(SchemaInvalid, match="'colour'"):
        view.fields(WIDE)
