"""Raw bytes to requests: every bad body is told its status, its place and what to send instead."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.http.body import LONGEST_ECHO, BodyDecoder
from service.http.contract import OPERATIONS
from service.http.problems import ProblemError, document
from service.http.wire import EventsRequest, RankRequest, RecommendationRequest

LARGEST = 1024 * 1024
recommendation = BodyDecoder(RecommendationRequest, LARGEST)
events = BodyDecoder(EventsRequest, LARGEST)
rank = BodyDecoder(RankRequest, LARGEST)

EVENT = b'{"events":[{"user_id":"1","item_id":"2",%b}]}'


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        # No JSON at all.
        (b"", 400, "$"),
        (b" ", 400, "$"),
        (b"\0", 400, "$"),
        (b"user_id=196", 400, "$"),
        (b"{'user_id':'1'}", 400, "$"),
        (b'{"user_id":"1"', 400, "$"),
        (b'{"user_id":"1",}', 400, "$"),
        (b'{"user_id":"1"}{', 400, "$"),
        (b'\xef\xbb\xbf{"user_id":"1"}', 400, "$"),
        ('{"user_id":"1"}'.encode("utf-16"), 400, "$"),
        (b'{"user_id":"\xff"}', 400, "$"),
        (b'{"user_id":"\xed\xa0\x80"}', 400, "$"),
        (b'{"user_id":"\\ud800"}', 400, "$"),
        (b'{"\xff":1}', 400, "$"),
        # Numbers that JSON has not, or that no float64 holds.
        (b'{"user_id":"1","limit":NaN}', 400, "$.limit"),
        (b'{"user_id":"1","diversity":Infinity}', 400, "$.diversity"),
        (b'{"user_id":"1","diversity":-Infinity,"limit":5}', 400, "$.diversity"),
        (b'{"session":["1","2"],"diversity":NaN}', 400, "$.diversity"),
        (b'{"user_id":"1","diversity":1e400}', 422, "$.diversity"),
        (b'{"user_id":"1","limit":' + b"9" * 4000 + b"}", 422, "$.limit"),
        (b'{"user_id":"1","limit":-' + b"9" * 5000 + b"}", 422, "$.limit"),
        # Deeper than the contract, which is no reason to recurse.
        (b"[" * 100_000, 422, "$"),
        (b'{"user_id":' * 10_000, 422, "$.user_id"),
        (b'{"user_id":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 422, "$.user_id"),
        (b'{"session":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 422, "$.session[0]"),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 422, "$.x"),
        # JSON of another shape.
        (b"null", 422, "$"),
        (b"[]", 422, "$"),
        (b'"196"', 422, "$"),
        (b"{}", 422, "$"),
        (b'{"user_id":null}', 422, "$"),
        (b'{"user_id":1}', 422, "$.user_id"),
        (b'{"user_id":""}', 422, "$.user_id"),
        (b'{"user_id":"' + b"a" * 129 + b'"}', 422, "$.user_id"),
        (b'{"user_id":"1","limits":5}', 422, "$.limits"),
        (b'{"user_id":"1","limit":-1}', 422, "$.limit"),
        (b'{"user_id":"1","limit":0}', 422, "$.limit"),
        (b'{"user_id":"1","limit":201}', 422, "$.limit"),
        (b'{"user_id":"1","limit":1.5}', 422, "$.limit"),
        (b'{"user_id":"1","limit":"5"}', 422, "$.limit"),
        (b'{"user_id":"1","limit":true}', 422, "$.limit"),
        (b'{"user_id":"1","limit":"ten"}', 422, "$.limit"),
        (b'{"user_id":"1","diversity":1.01}', 422, "$.diversity"),
        (b'{"user_id":"1","diversity":-0.1}', 422, "$.diversity"),
        (b'{"user_id":"1","deadline_ms":0}', 422, "$.deadline_ms"),
        (b'{"user_id":"1","deadline_ms":-5}', 422, "$.deadline_ms"),
        (b'{"user_id":"1","deadline_ms":10001}', 422, "$.deadline_ms"),
        (b'{"session":["1",2]}', 422, "$.session[1]"),
        (b'{"session":"1"}', 422, "$.session"),
        (b'{"seed_items":{"1":1}}', 422, "$.seed_items"),
        (b'{"session":[' + b",".join([b'"1"'] * 201) + b"]}", 422, "$.session"),
        # Names that stand twice: which one counts is not for the decoder to guess.
        (b'{"user_id":"1","user_id":"2"}', 422, "$"),
        (b'{"user_id":"1","user\\u005fid":"2"}', 422, "$"),
        (b'{"user_id":"1","boost":{"a:b":1,"a:b":2}}', 422, "$"),
        # Too long to be looked at.
        (b" " * (LARGEST + 1), 413, "$"),
    ],
)
def test_a_bad_body_is_refused_with_its_status_and_place(
    body: bytes, status: int, path: str | None
) -> None:
    with pytest.raises(ProblemError) as caught:
        recommendation(body)
    assert (caught.value.status, caught.value.path) == (status, path)


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        (b'{"events":[]}', 422, "$.events"),
        (EVENT % b'"type":"hate"', 422, "$.events[0].type"),
        (EVENT % b'"when":5', 422, "$.events[0].when"),
        (EVENT % b'"timestamp_ms":-1', 422, "$.events[0].timestamp_ms"),
        (EVENT % b'"timestamp_ms":9007199254740993', 422, "$.events[0].timestamp_ms"),
        (EVENT % b'"timestamp_ms":1e3', 422, "$.events[0].timestamp_ms"),
        (EVENT % b'"event_id":""', 422, "$.events[0].event_id"),
        # The name is known there, the way to it is not: a JSONPath that finds it all the same.
        (EVENT % b'"timestamp_ms":NaN', 400, "$..timestamp_ms"),
        (b'{"events":[{"user_id":"1","item_id":"2"},{"user_id":"1"}]}', 422, "$.events[1]"),
    ],
)
def test_a_bad_event_is_refused_with_its_own_place(body: bytes, status: int, path: str) -> None:
    with pytest.raises(ProblemError) as caught:
        events(body)
    assert (caught.value.status, caught.value.path) == (status, path)


def test_a_million_candidates_are_refused_before_they_are_decoded() -> None:
    body = b'{"candidates":[' + b",".join([b'"1"'] * 1_000_000) + b"]}"
    with pytest.raises(ProblemError) as caught:
        rank(body)
    assert caught.value.status == 413


def test_a_few_candidates_too_many_are_refused_by_name() -> None:
    with pytest.raises(ProblemError) as caught:
        rank(b'{"candidates":[' + b",".join([b'"1"'] * 5001) + b"]}")
    assert (caught.value.status, caught.value.path) == (422, "$.candidates")
    assert "5000" in caught.value.detail


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is empty; send a JSON object"),
        (b"{}", "one of `user_id`, `session`, `seed_items` is needed"),
        (b'{"user_id":"1","limits":5}', "unknown field `limits`"),
        (b'{"user_id":"1","a`b\\n":5}', "unknown field `a`b\n`"),
        (b'{"user_id":"1","limit":0}', "Expected `int` >= 1"),
        (b'{"user_id":"1","limit":NaN}', "(byte 23); send one JSON object in UTF-8"),
        (b"x" * (LARGEST + 1), f"more than the {LARGEST} bytes that are read; send less"),
    ],
)
def test_a_refusal_says_what_to_mend(body: bytes, words: str) -> None:
    with pytest.raises(ProblemError) as caught:
        recommendation(body)
    assert words in caught.value.detail
    assert " - at `" not in caught.value.detail  # that is what `path` is for


@pytest.mark.parametrize(
    "body",
    [
        b'{"' + b"y" * 1_000_000 + b'":1}',
        EVENT % (b'"type":"' + b"y" * 1_000_000 + b'"'),
    ],
)
def test_a_client_does_not_get_its_megabyte_back(body: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        events(body)
    assert len(caught.value.detail) <= LONGEST_ECHO
    assert len(caught.value.path or "") <= LONGEST_ECHO


def test_a_name_that_stands_twice_is_told() -> None:
    with pytest.raises(ProblemError, match="'user_id' twice; send it once"):
        recommendation(b'{"user_id":"1","user_id":"2"}')


def test_blanks_around_the_object_are_no_error() -> None:
    assert recommendation(b' \r\n\t{"user_id":"1"}\n').user_id == "1"


def test_the_longest_body_is_still_read() -> None:
    body = b'{"user_id":"1"}'
    assert recommendation(body + b" " * (LARGEST - len(body))).user_id == "1"


def decodes_or_refuses(decode: BodyDecoder[Any], body: bytes) -> None:
    """Check that nothing but a problem of the client's comes out, small and encodable."""
    try:
        decode(body)
    except ProblemError as fault:
        problem = fault
    else:
        return
    assert problem.status in {400, 413, 422}
    assert json.loads(document(problem, "r"))["status"] == problem.status
    assert len(problem.detail) < 2 * LONGEST_ECHO


fragments = st.sampled_from(
    [
        *b'{ } [ ] , : " \\ 1 - . e 0 -1 null true false NaN Infinity 1e400'.split(),
        b"\\ud800",
        b"\\u0000",
        b'"user_id":',
        b'"limit":',
        b'"session":[',
        b'"events":[{',
        b'"type":"click"',
        b'"a"',
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"9" * 400,
        b"[" * 2000,
    ]
)
jsonish = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["user_id", "limit", "session", "exclude", "events", "type", "item_id", "", "x`"]
            ),
            inner,
            max_size=4,
        ),
    ),
)


@given(
    st.sampled_from([recommendation, events, rank]),
    st.one_of(
        st.binary(),
        st.lists(fragments, max_size=12).map(b"".join),
        jsonish.map(lambda value: json.dumps(value).encode()),
    ),
)
@example(recommendation, b'{"x` - at `$.y":1}')
def test_arbitrary_bytes_are_a_request_or_a_problem_and_nothing_else(
    decode: BodyDecoder[Any], body: bytes
) -> None:
    decodes_or_refuses(decode, body)


@given(st.sampled_from(OPERATIONS), st.data())
def test_a_good_body_with_any_byte_changed_is_a_request_or_a_problem(
    operation: Any, data: st.DataObject
) -> None:
    body = bytearray(json.dumps(operation.example).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    decodes_or_refuses(BodyDecoder(operation.request, LARGEST), bytes(body))
