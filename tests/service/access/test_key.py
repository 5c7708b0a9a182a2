"""The text of a key and what the file keeps of it."""

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.key import ID, LENGTH, KeyText, make, parse
from service.access.record import Record, Scrypt

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def test_a_key_is_recognisable_and_has_160_random_bits() -> None:
    text, parts = make(b"k" * 32)
    assert re.fullmatch(r"braid_[a-z2-7]{8}_[a-z2-7]{48}", text)
    assert len(text) == LENGTH
    assert text.encode()[ID] == parts.id
    assert len(parts.secret) * 5 == 160
    assert parse(text.encode()) == parts


def test_no_two_keys_are_alike() -> None:
    assert len({make(b"k" * 32)[1].secret for _ in range(1000)}) == 1000


@given(place=st.integers(0, LENGTH - 1), letter=st.sampled_from(ALPHABET))
def test_one_letter_changed_anywhere_breaks_the_seal(place: int, letter: str) -> None:
    text, _ = make(b"k" * 32)
    if text[place] == letter:
        return
    presented = parse((text[:place] + letter + text[place + 1 :]).encode())
    assert presented is None or not presented.is_sealed_by(b"k" * 32)


@given(st.binary(max_size=100))
def test_what_is_no_key_is_none(text: bytes) -> None:
    assert parse(text) is None


def test_a_seal_is_of_one_record_alone() -> None:
    ours, _ = Record.make("ours", frozenset({"read"}))
    theirs, text = Record.make("theirs", frozenset({"read"}))
    presented = parse(text.encode())
    assert presented is not None
    assert theirs.is_sealed(presented)
    assert not ours.is_sealed(presented)


def test_only_the_secret_itself_has_its_hash() -> None:
    hashed = Scrypt.of(b"secret")
    assert hashed.matches(b"secret")
    assert not hashed.matches(b"secreu")
    assert hashed != Scrypt.of(b"secret"), "salted"


def test_a_record_holds_neither_text_nor_secret() -> None:
    record, text = Record.make("shop", frozenset({"read"}))
    presented = parse(text.encode())
    assert isinstance(presented, KeyText)
    kept = json.dumps(json.loads(msgspec.json.encode(record)))
    for part in (text, presented.secret.decode(), presented.seal.decode()):
        assert part not in kept
    assert repr(record) == "Record('shop', scopes=['read'])"


def test_a_stranger_fits_no_key() -> None:
    _, text = Record.make("shop", frozenset({"read"}))
    presented = parse(text.encode())
    assert presented is not None
    assert not Record.stranger().is_sealed(presented)


@pytest.mark.parametrize("text", ["ghp_1234", "braid_", "", "Bearer braid_aaaaaaaa_" + "a" * 48])
def test_other_texts_are_no_keys(text: str) -> None:
    assert parse(text.encode()) is None
