"""A record of served features is read back to the bit, or refused."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.served_features import MAGIC, decode, encode
from tests.features.served import draw, same


@pytest.mark.parametrize("seed", range(20))
def test_what_was_served_is_read_back_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    served = draw(seed, n=int(rng.integers(0, 200)), width=int(rng.integers(1, 60)))
    again = decode(encode(served))
    assert same(again, served)
    assert again.rows.dtype == np.float32
    assert again.rows.flags.c_contiguous
    assert again.rows.flags.aligned


def test_an_anonymous_session_has_no_user() -> None:
    assert decode(encode(draw(1, user_id=None))).head.user_id is None


@given(st.data())
def test_a_record_that_lost_bytes_is_refused(data: st.DataObject) -> None:
    record = encode(draw(3, n=3, width=2))
    cut = data.draw(st.integers(0, len(record) - 1))
    with pytest.raises(ValueError, match=r"record|rows|msgpack|Input|Object"):
        decode(record[:cut])


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(content: bytes) -> None:
    for record in (content, MAGIC + content):
        with pytest.raises(ValueError, match=r"record|rows|msgpack|Input|Object|Expected|Invalid"):
            decode(record)


def test_a_pick_that_is_no_row_is_refused() -> None:
    for pick in (40, -1):
        with pytest.raises(ValueError, match="a pick is none of the 40 rows"):
            decode(encode(draw(2, picks=(1, pick))))


def test_a_header_of_another_form_is_refused() -> None:
    record = encode(draw(2))
    odd = msgspec.msgpack.encode({"request_id": "1"})
    with pytest.raises(ValueError, match="missing required field"):
        decode(record[:4] + len(odd).to_bytes(4, "little") + odd)
