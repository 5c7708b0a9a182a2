"""HTTPS with real certificates: made by OpenSSL's program, served, rotated under way."""

import asyncio
import logging
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.access.tls import Tls
from service.errors import SettingInvalid

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="no openssl program to make certificates")


def make_certificate(folder: Path, common_name: str = "localhost") -> tuple[Path, Path]:
    """Make a certificate that signs itself, and its key; each replaces what was there at once."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    names = ["-subj", f"/CN={common_name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    new = [folder / "new-cert.pem", folder / "new-key.pem"]
    paths = ["-out", str(new[0]), "-keyout", str(new[1])]
    command = [OPENSSL or "openssl", *words, *names, *paths]
    subprocess.run(command, check=True, capture_output=True)
    new[0].replace(certificate)
    new[1].replace(key)
    return certificate, key


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_a_pair_of_files_is_served_by_tls_12_or_newer(tmp_path: Path) -> None:
    tls = Tls(*make_certificate(tmp_path))
    assert tls.context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_files_that_change_are_read_anew_and_open_connections_stay(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    tls = Tls(certificate, key)
    tls.start()
    try:
        before = tls.context
        make_certificate(tmp_path, "rotated")
        until(lambda: tls.context is not before)
        assert _served_name(tls, certificate) == "rotated"
    finally:
        tls.stop()


def test_files_that_do_not_fit_change_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = make_certificate(tmp_path)
    tls = Tls(certificate, key)
    before = tls.context
    (tmp_path / "other").mkdir()
    _, other = make_certificate(tmp_path / "other")
    key.write_bytes(other.read_bytes())
    with caplog.at_level(logging.ERROR):
        tls._read()
    assert tls.context is before
    assert "served on as it was" in caplog.text
    assert "PRIVATE KEY" not in caplog.text


@pytest.mark.parametrize("content", [None, b"", b"no PEM"])
def test_files_that_cannot_be_used_are_told_at_the_start(
    tmp_path: Path, content: bytes | None
) -> None:
    certificate, key = make_certificate(tmp_path)
    if content is None:
        key.unlink()
    else:
        key.write_bytes(content)
    with pytest.raises(SettingInvalid, match=r"--tls-cert=.*--tls-key="):
        Tls(certificate, key)


def test_a_key_with_a_password_is_refused_rather_than_asked_about(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    locked = tmp_path / "locked.pem"
    words = ["ec", "-in", str(key), "-aes256", "-passout", "pass:open", "-out", str(locked)]
    subprocess.run([OPENSSL or "openssl", *words], check=True, capture_output=True)
    with pytest.raises(SettingInvalid, match="no password"):
        Tls(certificate, locked)


def _served_name(tls: Tls, trusted: Path) -> str:
    """Return the common name of the certificate that a client is shown."""
    theirs = ssl.create_default_context(cafile=str(trusted))

    async def shake() -> str:
        server = await asyncio.start_server(
            lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=tls.context
        )
        async with server:
            port = server.sockets[0].getsockname()[1]
            _, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=theirs, server_hostname="localhost"
            )
            shown = writer.get_extra_info("peercert")
            writer.close()
            names: dict[str, str] = dict(pair[0] for pair in shown["subject"])
            return names["commonName"]

    return asyncio.run(shake())
