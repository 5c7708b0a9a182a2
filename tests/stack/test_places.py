"""What lets the stack run without its engine: names by DNS, and places that can be replaced."""

import socket
import struct

from tests.stack.files import SERVICES, command_of, here
from tests.stack.names import Names


def ask(names: Names, name: bytes, kind: int = 1) -> bytes:
    question = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + bytes([len(name)]) + name
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(10)
        asker.sendto(question + struct.pack(">B2H", 0, kind, 1), ("127.0.0.1", names.port))
        return asker.recv(512)


def test_a_name_has_every_address_that_it_has_at_the_moment() -> None:
    with Names() as names:
        assert ask(names, b"braid")[3] & 0xF == 3, "no such name"
        names.addresses["braid"] = ("127.0.1.1", "127.0.1.2")
        answer = ask(names, b"braid")
        none = ask(names, b"braid", kind=28)

    assert answer[:2] == none[:2] == struct.pack(">H", 7)
    assert struct.unpack_from(">H", answer, 6) == (2,)
    assert answer.endswith(socket.inet_aton("127.0.1.2"))
    assert struct.unpack_from(">H", none, 6) == (0,), "there is no IPv6"


def test_a_place_is_replaced_as_a_whole_and_once() -> None:
    assert here("/a/b /a", {"/a": "/x/a", "/a/b": "/y"}) == "/y /x/a"


def test_a_service_runs_what_compose_says_else_what_its_image_says() -> None:
    assert command_of("braid")[:4] == ["python", "-m", "service.cli", "serve"]
    assert command_of("prepare") == SERVICES["prepare"]["entrypoint"]
    assert "--headless" in command_of("locust")
