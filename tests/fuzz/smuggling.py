"""Requests that two readers could take for different ones, and what must come of each.

Collected from RFC 9112, llhttp's own tests, and the published attacks on front and back ends that
disagree (CL.TE, TE.CL, TE.TE: Linhart et al. 2005, Kettle 2019; chunk extensions: 2024-2025).
"""

from dataclasses import dataclass

HOST = b"host: x\r\n"
NEXT = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
"""What must never be served out of another request's body."""

BODY = b'{"user_id":"196","candidates":["1","50"]}'
LENGTH = b"content-length: %d\r\n" % len(BODY)
POST = b"POST /v1/rank HTTP/1.1\r\n" + HOST
CHUNKED = b"transfer-encoding: chunked\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


@dataclass(frozen=True)
class Case:
    """``statuses`` are all the answers there may be; ``last``: the connection ends with them."""

    name: str
    sent: bytes
    statuses: tuple[int, ...]
    last: bool = True


def _refused(status: int, **sent: bytes) -> list[Case]:
    return [Case(name.replace("_", " "), data + NEXT, (status,)) for name, data in sent.items()]


def _served(*statuses: int, last: bool = False, **sent: bytes) -> list[Case]:
    return [Case(name.replace("_", " "), data, statuses, last) for name, data in sent.items()]


def _chunked(data: bytes) -> bytes:
    return POST + CHUNKED + b"\r\n" + data


def _get(target: bytes, rest: bytes = HOST) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + rest + b"\r\n"


LENGTHS = _refused(
    400,
    length_and_chunks=POST + b"content-length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    chunks_and_length=POST + CHUNKED + b"content-length: 5\r\n\r\n0\r\n\r\n",
    two_lengths_alike=POST + LENGTH + LENGTH + b"\r\n" + BODY,
    two_lengths=POST + b"content-length: 0\r\n" + LENGTH + b"\r\n" + BODY,
    list_of_lengths=POST + b"content-length: 5, 5\r\n\r\nhello",
    plus=POST + b"content-length: +5\r\n\r\nhello",
    minus=POST + b"content-length: -5\r\n\r\nhello",
    hexadecimal=POST + b"content-length: 0x5\r\n\r\nhello",
    exponent=POST + b"content-length: 5e0\r\n\r\nhello",
    underscore=POST + b"content-length: 1_0\r\n\r\nhello12345",
    two_numbers=POST + b"content-length: 5 5\r\n\r\nhello",
    empty_length=POST + b"content-length:\r\n\r\n",
    semicolon=POST + b"content-length: 5;\r\n\r\nhello",
    vertical_tab=POST + b"content-length: \x0b5\r\n\r\nhello",
    overflowing_length=POST + b"content-length: 18446744073709551617\r\n\r\nhello",
    length_of_4000_digits=POST + b"content-length: " + b"9" * 4000 + b"\r\n\r\nhello",
    space_before_colon=POST + b"content-length : 5\r\n\r\nhello",
    tab_before_colon=POST + b"content-length\t: 5\r\n\r\nhello",
) + _refused(413, largest_length=POST + b"content-length: 18446744073709551615\r\n\r\nhello")

CODINGS = _refused(
    400,
    unknown_coding=POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    chunked_then_identity=POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    identity_then_chunked=POST + b"transfer-encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    gzip_then_chunked=POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    identity=POST + b"transfer-encoding: identity\r\n\r\nhello",
    twice_chunked=POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    chunked_and_cow=POST + CHUNKED + b"transfer-encoding: cow\r\n\r\n0\r\n\r\n",
    cow_and_chunked=POST + b"transfer-encoding: cow\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    comma_chunked=POST + b"transfer-encoding: ,chunked\r\n\r\n0\r\n\r\n",
    quoted_chunked=POST + b'transfer-encoding: "chunked"\r\n\r\n0\r\n\r\n',
    chunked_with_parameter=POST + b"transfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    chunked_behind_vertical_tab=POST + b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    coding_space_before_colon=POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    coding_behind_space=POST + b" transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    coding_folded=POST + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    empty_coding=POST + b"transfer-encoding:\r\n\r\n",
    coding_of_HTTP_1_0=b"POST /v1/rank HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n",
    coding_of_HTTP_1_0_kept=b"POST /v1/rank HTTP/1.0\r\nconnection: keep-alive\r\n"
    + HOST + CHUNKED + b"\r\n0\r\n\r\n",
)  # fmt: skip

CHUNK_FRAMES = _refused(
    400,
    size_with_plus=_chunked(b"+5\r\nhello\r\n0\r\n\r\n"),
    size_with_minus=_chunked(b"-5\r\nhello\r\n0\r\n\r\n"),
    size_with_prefix=_chunked(b"0x5\r\nhello\r\n0\r\n\r\n"),
    size_with_underscore=_chunked(b"0_5\r\nhello\r\n0\r\n\r\n"),
    size_behind_space=_chunked(b" 5\r\nhello\r\n0\r\n\r\n"),
    size_before_space=_chunked(b"5 \r\nhello\r\n0\r\n\r\n"),
    size_missing=_chunked(b"\r\nhello\r\n0\r\n\r\n"),
    size_overflowing=_chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    size_before_line_feed=_chunked(b"5\nhello\r\n0\r\n\r\n"),
    data_too_long=_chunked(b"5\r\nhelloX\r\n0\r\n\r\n"),
    data_before_line_feed=_chunked(b"5\r\nhello\n0\r\n\r\n"),
    end_before_line_feeds=_chunked(b"5\r\nhello\r\n0\n\n"),
    extension_with_control=_chunked(b"5;\x01\r\nhello\r\n0\r\n\r\n"),
    extension_before_line_feed=_chunked(b"5;a=b\nhello\r\n0\r\n\r\n"),
    extension_with_return=_chunked(b"5;a=b\rX\r\nhello\r\n0\r\n\r\n"),
    extension_unclosed=_chunked(b'5;a="\r\nhello\r\n0\r\n\r\n'),
    trailing_length=_chunked(b"5\r\nhello\r\n0\r\ncontent-length: 50\r\n\r\n"),
    trailing_coding=_chunked(b"5\r\nhello\r\n0\r\n" + CHUNKED + b"\r\n"),
    trailing_line_feed=_chunked(b"5\r\nhello\r\n0\r\nx: y\nz: a\r\n\r\n"),
)

LINES = _refused(
    400,
    line_feeds_only=b"POST /v1/rank HTTP/1.1\nhost: x\ncontent-length: 5\n\nhello",
    one_line_feed=b"POST /v1/rank HTTP/1.1\r\nhost: x\nx: y\r\ncontent-length: 5\r\n\r\nhello",
    line_feed_ends_head=POST + b"content-length: 5\r\n\nhello",
    return_in_value=POST + b"x: a\rb\r\ncontent-length: 5\r\n\r\nhello",
    return_ends_value=b"POST /v1/rank HTTP/1.1\r\nhost: x\rcontent-length: 5\r\n\r\nhello",
    nul_in_value=POST + b"x: a\0b\r\n\r\n",
    nul_in_name=POST + b"x\0: ab\r\n\r\n",
    control_in_value=POST + b"x: a\x01b\r\n\r\n",
    eight_bits_in_name=POST + b"x\xff: a\r\n\r\n",
    empty_name=POST + b": a\r\n\r\n",
    no_colon=POST + b"abc\r\n\r\n",
    space_in_name=POST + b"a b: c\r\n\r\n",
    folded=POST + b"x: a\r\n b\r\n\r\n",
    folded_coding=POST + b"x: a\r\n transfer-encoding: chunked\r\n\r\n",
    tabs_for_spaces=b"GET\t/health/live\tHTTP/1.1\r\n" + HOST + b"\r\n",
    space_in_target=b"GET /health/live x HTTP/1.1\r\n" + HOST + b"\r\n",
    space_behind_version=b"GET /health/live HTTP/1.1 \r\n" + HOST + b"\r\n",
    space_before_method=b" GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
)

VERSIONS = [
    *_refused(
        400,
        HTTP_0_9=b"GET /health/live\r\n",
        HTTP_1_2=b"GET /health/live HTTP/1.2\r\n" + HOST + b"\r\n",
        HTTP_11=b"GET /health/live HTTP/11.1\r\n" + HOST + b"\r\n",
        HTTP_1=b"GET /health/live HTTP/1\r\n" + HOST + b"\r\n",
        small_http=b"GET /health/live http/1.1\r\n" + HOST + b"\r\n",
        HTTP_2_preface=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
        TLS_hello=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
    ),
    *_refused(
        505,
        HTTP_0_9_by_name=b"GET /health/live HTTP/0.9\r\n\r\n",
        HTTP_2=b"GET /health/live HTTP/2.0\r\n" + HOST + b"\r\n",
    ),
]

TARGETS = _refused(
    400,
    no_host=b"GET /health/live HTTP/1.1\r\n\r\n",
    two_hosts=b"GET /health/live HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    two_hosts_alike=b"GET /health/live HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
    no_host_name=_get(b"/health/live", b"host: a b\r\n"),
    host_with_path=_get(b"/health/live", b"host: a/b\r\n"),
    host_with_user=_get(b"/health/live", b"host: a@b\r\n"),
    host_with_comma=_get(b"/health/live", b"host: a, b:99999999\r\n"),
    another_host=_get(b"http://y/health/live"),
    another_port=_get(b"http://x:81/health/live"),
    user_in_target=_get(b"http://u:p@x/health/live"),
    another_scheme=_get(b"ftp://x/health/live"),
    no_path=_get(b"http://x"),
    fragment=_get(b"/health/live#b"),
    star=_get(b"*"),
    eight_bits=_get(b"/\xff\xfe"),
    nul=_get(b"/\0"),
    no_slash=_get(b"health/live"),
    tunnel=b"CONNECT x:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    unknown_method=b"FOO /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    small_method=b"get /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    method_of_4000=b"A" * 4000 + b" /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
) + _refused(414, long_target=_get(b"/health/live?" + b"a" * 9000))

HEADS = [
    *_refused(
        431,
        many_headers=POST + b"".join(b"x-%d: y\r\n" % n for n in range(101)) + b"\r\n",
        one_large_header=POST + b"x: " + b"a" * 40_000 + b"\r\n\r\n",
        many_large_headers=POST
        + b"".join(b"x-%d: %b\r\n" % (n, b"a" * 900) for n in range(60))
        + b"\r\n",
        endless_header=POST + b"x: " + b"a" * 300_000,
        endless_headers=POST + b"x: y\r\n" * 60_000,
    ),
    *_refused(415, compressed=POST + b"content-encoding: gzip\r\n" + LENGTH + b"\r\n" + BODY),
    *_refused(417, other_expectation=POST + b"expect: tea\r\n" + LENGTH + b"\r\n" + BODY),
]

SERVED = [
    *_served(
        200,
        200,
        chunks=_chunked(CHUNKS) + NEXT,
        chunks_with_extension=_chunked(b"%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)) + NEXT,
        chunks_in_capitals=POST + b"Transfer-Encoding: CHUNKED\r\n\r\n" + CHUNKS + NEXT,
        chunked_then_space=POST + b"transfer-encoding: chunked \r\n\r\n" + CHUNKS + NEXT,
        chunk_size_with_zeros=_chunked(b"000%x\r\n%b\r\n000\r\n\r\n" % (len(BODY), BODY)) + NEXT,
        trailers=_chunked(CHUNKS[:-2] + b"x: y\r\ncontent-type: text/plain\r\n\r\n") + NEXT,
        length_with_zero=POST + b"content-length: 0%d\r\n\r\n" % len(BODY) + BODY + NEXT,
        length_then_spaces=POST + LENGTH[:-2] + b"  \r\n\r\n" + BODY + NEXT,
        same_host_in_target=b"POST http://x/v1/rank HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n" + BODY
        + NEXT,
        upgrade_with_body=POST + b"connection: upgrade\r\nupgrade: h2c\r\n" + LENGTH + b"\r\n"
        + BODY + NEXT,
        upgrade_with_chunks=POST + b"connection: upgrade\r\nupgrade: h2c\r\n" + CHUNKED + b"\r\n"
        + CHUNKS + NEXT,
        upgrade=_get(b"/health/live", HOST + b"connection: upgrade\r\nupgrade: h2c\r\n") + NEXT,
        body_of_a_get=_get(b"/health/live", HOST + b"content-length: %d\r\n" % len(NEXT)) + NEXT
        + NEXT,
        line_before=b"\r\n" + NEXT + b"\r\n\r\n" + NEXT,
    ),
    *_served(
        200,
        last=True,
        said_to_be_the_last=_get(b"/health/live", HOST + b"connection: close\r\n") + NEXT,
        HTTP_1_0=b"GET /health/live HTTP/1.0\r\n" + HOST + b"\r\n" + NEXT,
        HTTP_1_0_kept=b"GET /health/live HTTP/1.0\r\nconnection: keep-alive\r\n\r\n" + NEXT,
        HTTP_1_0_without_host=b"GET /health/live HTTP/1.0\r\n\r\n" + NEXT,
    ),
    *_served(
        200,
        400,
        last=True,
        answer_before_the_refusal=POST + LENGTH + b"\r\n" + BODY + b"GARBAGE\r\n\r\n" + NEXT,
        answers_before_the_refusal=NEXT[:-2] + b"\r\n" + b"GARBAGE\r\n\r\n" + NEXT,
    ),
]  # fmt: skip

CORPUS = [
    *LENGTHS, *CODINGS, *CHUNK_FRAMES, *LINES, *VERSIONS, *TARGETS, *HEADS, *SERVED,
]  # fmt: skip

WORDS = (
    b"GET / HTTP/1.1", b"POST /v1/rank HTTP/1.1", b"HTTP/1.1 200 OK", b"host: x", b"0", b"5",
    b"content-length: 5", b"transfer-encoding: chunked", b"connection: close", b"upgrade: h2c",
    b"expect: 100-continue", b": ", b" ", b"\t", b"\0", b"\xff", b"hello", b"ffffffffffffffff",
    b";a=b", BODY, b"GET", b"/", b"HTTP/1.1", b"HTTP/1.0", b"PRI",
)  # fmt: skip
LINE_ENDS = (b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"")
