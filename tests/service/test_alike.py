"""Which requests are alike but for their bodies."""

import pytest

from service.http.alike import likeness

HEAD = b"POST /v1/rank HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nAccept: a\r\n\r\n"


def request(body: bytes, head: bytes = HEAD) -> bytes:
    return head % len(body) + body


def test_other_bodies_of_other_lengths_are_alike() -> None:
    assert likeness(request(b"{}")) == likeness(request(b"[" * 1234)) is not None


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace(b"rank", b"rang"),
        HEAD.replace(b"POST", b"PUT"),
        HEAD.replace(b"1.1", b"1.0"),
        HEAD.replace(b"Host: x", b"Host: y"),
        HEAD.replace(b"Accept: a", b"Connection: close"),
        HEAD.replace(b"Accept: a", b"Transfer-Encoding: chunked"),
        HEAD.replace(b"Accept: a", b"Content-Length: 7"),
        HEAD.replace(b"Accept: a", b"Expect: 100-continue"),
        HEAD.replace(b"Accept: a", b"X-Deadline-Ms: 1"),
        HEAD.replace(b"Content-Length: ", b"Content-Length:  "),
        HEAD.replace(b"Content-Length: ", b"Content-Length: +"),
        HEAD.replace(b"Content-Length: ", b"X-Content-Length: "),
        HEAD.replace(b"Content-Length", b"content-length"),
    ],
)
def test_whatever_else_differs_makes_another_request(head: bytes) -> None:
    assert likeness(request(b"{}", head)) != likeness(request(b"{}"))


@pytest.mark.parametrize(
    "piece",
    [
        b"",
        b"POST",
        request(b"{}")[:-1],
        request(b"{}") + b"x",
        request(b"{}") + request(b"{}"),
        HEAD.replace(b"Content-Length: %d\r\n", b"") + b"{}",
        request(b"{}").replace(b": 2", b": 99999999"),
    ],
)
def test_what_is_not_one_whole_request_is_like_nothing(piece: bytes) -> None:
    assert likeness(piece) is None


def test_a_length_in_the_body_is_no_length() -> None:
    head = HEAD.replace(b"Content-Length: %d\r\n", b"")
    assert likeness(head + b"\r\nContent-Length: 22\r\n") is None
