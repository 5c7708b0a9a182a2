"""The head of a request alone: what may be served, and what it is told if it may not."""

import pytest

from service.http.head import check_head, is_host
from service.http.problems import ProblemError

HOST = (b"host", b"shop.example:8000")


@pytest.mark.parametrize(
    "host",
    [
        b"x",
        b"x:80",
        b"x:",
        b"",
        b"127.0.0.1:8000",
        b"[::1]:8000",
        b"a-b.c_d.e",
        b"xn--bcher-kva.ch",
    ],
)
def test_names_and_addresses_are_hosts(host: bytes) -> None:
    assert is_host(host)


@pytest.mark.parametrize(
    "host", [b"a b", b"a/b", b"u@h", b"a:b", b"a:123456", b"[::1", b"a\xff", b"a?b", b"a#", b"a\n"]
)
def test_what_else_there_is_in_urls_is_no_host(host: bytes) -> None:
    assert not is_host(host)


@pytest.mark.parametrize(
    ("method", "target", "version", "headers", "status"),
    [
        (b"GET", b"/", "1.1", [HOST], None),
        (b"GET", b"/", "1.0", [], None),
        (b"OPTIONS", b"*", "1.1", [HOST], None),
        (b"GET", b"http://SHOP.example:8000/a?b", "1.1", [HOST], None),
        (b"POST", b"/", "1.1", [HOST, (b"transfer-encoding", b"Chunked ")], None),
        (b"POST", b"/", "1.1", [HOST, (b"expect", b"100-Continue")], None),
        (b"POST", b"/", "1.1", [HOST, (b"content-encoding", b"identity")], None),
        (b"POST", b"/", "1.1", [HOST, (b"content-length", b"1000")], None),
        (b"POST", b"/", "1.1", [HOST, (b"content-length", b"1001")], 413),
        (b"POST", b"/", "1.1", [HOST, (b"content-encoding", b"br")], 415),
        (b"POST", b"/", "1.1", [HOST, (b"expect", b"")], 417),
        (b"POST", b"/", "1.0", [HOST, (b"transfer-encoding", b"chunked")], 400),
        (b"POST", b"/", "1.1", [HOST, *[(b"transfer-encoding", b"chunked")] * 2], 400),
        (b"GET", b"/", "1.1", [], 400),
        (b"GET", b"/", "1.1", [HOST, HOST], 400),
        (b"GET", b"/", "1.0", [HOST, HOST], 400),
        (b"GET", b"http://shop.example/", "1.1", [HOST], 400),
        (b"GET", b"http://shop.example:8000/", "1.0", [], 400),
        (b"CONNECT", b"shop.example:8000", "1.1", [HOST], 400),
        (b"GET", b"/" + b"a" * 8192, "1.1", [HOST], 414),
        (b"GET", b"/", "1.1", [HOST, *[(b"x", b"y")] * 100], 431),
        (b"GET", b"/", "1.1", [HOST, (b"x", b"y" * 32768)], 431),
        (b"GET", b"/", "2.0", [HOST], 505),
    ],
)
def test_a_head_is_served_or_told_why_not(
    method: bytes,
    target: bytes,
    version: str,
    headers: list[tuple[bytes, bytes]],
    status: int | None,
) -> None:
    told = None
    try:
        check_head(method, target, version, headers, largest_body_bytes=1000)
    except ProblemError as problem:
        told = problem.status
    assert told == status
