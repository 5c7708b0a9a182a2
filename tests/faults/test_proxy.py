"""The proxy does what its names say, on TCP and on a Unix socket, and what is off costs nothing."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.proxy import Proxy
from tests.faults.toxics import CLEAN, Toxics
from tests.features.shelves import until


@pytest.fixture(params=["tcp", "unix"])
def echo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A server that answers what it is asked; its address."""
    if request.param == "tcp":
        listener = socket.create_server(("127.0.0.1", 0))
        url = "{}:{}".format(*listener.getsockname())
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "echo.sock"))
        listener.listen()
        url = f"unix://{tmp_path / 'echo.sock'}"
    threads = [threading.Thread(target=_accept, args=(listener,))]
    threads[0].start()
    yield url
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    threads[0].join()


def _accept(listener: socket.socket) -> None:
    answering = list[threading.Thread]()
    with contextlib.suppress(OSError):
        while True:
            end, _ = listener.accept()
            answering.append(threading.Thread(target=_answer, args=(end,)))
            answering[-1].start()
    for thread in answering:
        thread.join()


def _answer(end: socket.socket) -> None:
    with end, contextlib.suppress(OSError):
        while packet := end.recv(65536):
            end.sendall(packet)


@contextlib.contextmanager
def connected(proxy: Proxy) -> Iterator[socket.socket]:
    if proxy.url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(proxy.url.removeprefix("unix://"))
            yield client
    else:
        host, port = proxy.url.removeprefix("redis://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            yield client


def ask(client: socket.socket, question: bytes) -> bytes:
    """Return the answer, or as much of it as came before the end."""
    client.sendall(question)
    answer = b""
    while len(answer) < len(question) and (packet := client.recv(65536)):
        answer += packet
    return answer


def test_a_clean_proxy_passes_everything(echo: str) -> None:
    question = bytes(range(256)) * 4096
    with Proxy(echo) as proxy, connected(proxy) as client:
        client.settimeout(30)
        asking = threading.Thread(target=client.sendall, args=(question,))
        asking.start()
        answer = b""
        while len(answer) < len(question):
            answer += client.recv(65536)
        asking.join()
        assert answer == question
        [link] = proxy.links  # counts what it has sent a moment after it arrived
        until(lambda: link.up.bytes == link.down.bytes == len(question))


def test_latency_delays_each_answer_and_jitter_keeps_the_order(echo: str) -> None:
    with Proxy(echo) as proxy, connected(proxy) as client:
        proxy.downstream = Toxics(latency=30, jitter=20)
        began = time.monotonic()
        assert ask(client, b"x") == b"x"
        assert time.monotonic() - began >= 0.01
        for number in range(20):
            client.sendall(b"%02d" % number)
        answer = b""
        while len(answer) < 40:
            answer += client.recv(100)
        assert answer == b"".join(b"%02d" % number for number in range(20))


def test_slices_arrive_one_by_one(echo: str) -> None:
    with Proxy(echo) as proxy, connected(proxy) as client:
        proxy.downstream = Toxics(average_size=1, delay=2000)
        client.sendall(b"0123456789")
        pieces = [client.recv(100)]
        while sum(map(len, pieces)) < 10:
            pieces.append(client.recv(100))
        assert b"".join(pieces) == b"0123456789"
        assert len(pieces) > 3


def test_a_rate_is_a_bound(echo: str) -> None:
    with Proxy(echo) as proxy, connected(proxy) as client:
        proxy.downstream = Toxics(rate=100, average_size=1000)
        began = time.monotonic()
        assert len(ask(client, bytes(10_000))) == 10_000
        assert time.monotonic() - began >= 0.09


def test_limit_data_ends_the_connection_in_the_midst_of_an_answer(echo: str) -> None:
    with Proxy(echo) as proxy, connected(proxy) as client:
        assert ask(client, b"0123456789") == b"0123456789"
        proxy.downstream = Toxics(limit_data=4)  # of what comes from now on
        assert ask(client, b"0123456789") == b"0123"
        assert client.recv(1) == b""
        assert proxy.links[0].down.cut is not None


def test_reset_peer_resets(echo: str) -> None:
    with Proxy(echo) as proxy, connected(proxy) as client:
        proxy.downstream = Toxics(reset_peer=4)
        if echo.startswith("unix"):
            assert ask(client, b"0123456789") == b"0123"
        else:
            with pytest.raises(ConnectionResetError):
                ask(client, b"0123456789" * 100)


def test_a_silence_holds_answers_until_it_is_lifted(echo: str) -> None:
    with Proxy(echo) as proxy, connected(proxy) as client:
        proxy.downstream = Toxics(timeout=0)
        client.sendall(b"question")
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(100)
        assert proxy.links[0].down.held
        proxy.downstream = CLEAN
        client.settimeout(10)
        assert client.recv(100) == b"question"


def test_a_silence_may_end_with_the_connection(echo: str) -> None:
    with Proxy(echo) as proxy, connected(proxy) as client:
        proxy.downstream = Toxics(timeout=20)
        assert ask(client, b"question") == b""


def test_the_other_way_has_toxics_of_its_own(echo: str) -> None:
    with Proxy(echo) as proxy, connected(proxy) as client:
        proxy.upstream = Toxics(limit_data=4)
        assert len(ask(client, b"0123456789")) <= 4


def test_who_is_not_accepted_waits_in_the_kernel(echo: str) -> None:
    with Proxy(echo) as proxy:
        proxy.accepting = False
        with connected(proxy) as client:
            client.settimeout(0.1)
            with pytest.raises(TimeoutError):
                ask(client, b"x")
            assert proxy.links == []
            proxy.accepting = True
            client.settimeout(10)
            assert client.recv(1) == b"x"


def test_down_refuses_and_up_is_the_same_address_again(echo: str) -> None:
    with Proxy(echo) as proxy:
        with connected(proxy) as client:
            assert ask(client, b"x") == b"x"
            proxy.down()
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b""
        with pytest.raises(OSError, match="refused"), connected(proxy):
            pass
        proxy.up()
        with connected(proxy) as client:
            assert ask(client, b"y") == b"y"


def test_the_command_line_takes_new_flags_while_it_runs(echo: str) -> None:
    command = [sys.executable, "-m", "tests.faults.proxy", "--upstream", echo]
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        host, port = process.stdout.readline().split()[0].removeprefix("redis://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            assert ask(client, b"x") == b"x"
            process.stdin.write("--limit-data 4\n")
            process.stdin.flush()
            answer = b"0123456789"
            while answer == b"0123456789":  # until it has heard
                answer = ask(client, b"0123456789")
            assert answer == b"0123"
        process.stdin.close()
        assert process.wait(timeout=10) == 0
