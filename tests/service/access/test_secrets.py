"""Nothing that a service writes, answers or prints holds a secret that it was given."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from features.address import Address
from service import cli
from service.access.audit import Audit
from service.access.keyring import Keyring
from service.embedded import EmbeddedValkey
from service.settings import Settings
from tests.filling import fill
from tests.service.access.conftest import Keychain
from tests.service.conftest import Client

PASSWORD = "correct-horse-battery-staple"  # noqa: S105  what is looked for
BODY = {"user_id": "196", "limit": 3}


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def locked(artifacts: Path) -> Iterator[EmbeddedValkey]:
    """A store that wants a password."""
    with EmbeddedValkey() as valkey:
        fill(valkey, artifacts)
        with Redis.from_url(valkey.url) as client:
            client.config_set("requirepass", PASSWORD)
        yield valkey


def braid(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command in this process, whatever comes of it; return all that it prints."""
    monkeypatch.setattr(sys, "argv", ["braid", *words])
    with contextlib.suppress(SystemExit):
        cli.main()
    printed = capsys.readouterr()
    return printed.out + printed.err


def test_no_secret_is_in_logs_answers_metrics_commands_or_reprs(
    artifacts: Path,
    locked: EmbeddedValkey,
    keychain: Keychain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = locked.url.replace("unix://", f"unix://:{PASSWORD}@")
    secrets = [PASSWORD]
    for text in keychain.texts.values():
        secrets += [text, text[15:47], text[47:]]
    heard: list[str] = []
    log, audit = tmp_path / "service.log", tmp_path / "audit.jsonl"
    flags = ["--port", "0", "--artifact", str(artifacts), "--keys", str(keychain.path)]
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "serve", *flags, "--audit", str(audit)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "BRAID_REDIS": url, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
        )
    try:
        serving = re.compile(r"Serving \S+ on (http://\S+)")
        until(lambda: serving.search(log.read_text()) is not None or process.poll() is not None)
        found = serving.search(log.read_text())
        assert found, log.read_text()
        client = Client(found[1])
        _use(client, keychain, heard)
        with Redis.from_url(url) as store:
            store.config_set("requirepass", "another")  # so that authenticating fails
            store.client_kill_filter(_type="normal", skipme=True)
        _use(client, keychain, heard)
        locked.stop()
        _use(client, keychain, heard)
        monkeypatch.setenv("BRAID_KEY", keychain.texts["operator"])
        here = ("--url", found[1])
        commands = (
            ("status", *here),
            ("models", *here),
            ("models", "activate", "none-such", *here),
            ("keys", "list", "--keys", str(keychain.path)),
            ("load", "--redis", url, "--artifact", str(artifacts)),
        )
        heard += [braid(monkeypatch, capsys, *words) for words in commands]
        client.close()
    finally:
        process.terminate()
        process.wait(30)
    settings = Settings(redis=url, keys=keychain.path)
    keyring = Keyring(keychain.path)
    reprs = [settings, Address.parse(url), keyring, keyring.keys, *keyring.keys.values()]
    reprs += [*keychain.records, Audit(None)]
    heard += [repr(one) for one in reprs]
    heard += [log.read_text(), audit.read_text(), keychain.path.read_text()]
    everything = "\n".join(heard)
    assert "operator" in everything, "something was heard"
    assert audit.read_text().count("\n") >= 3
    assert "Traceback" not in log.read_text()
    assert [secret for secret in secrets if secret in everything] == []


def _use(client: Client, keychain: Keychain, heard: list[str]) -> None:
    """Ask with good keys, wrong ones and none, for what is there and what is not."""
    texts = keychain.texts
    mistyped = texts["reader"][:-1] + ("a" if texts["reader"][-1] != "a" else "b")
    body = json.dumps(BODY).encode()
    events = b'{"events": [{"user_id": "g-1", "item_id": "50", "type": "click"}]}'
    for text, method, path, sent in [
        (texts["reader"], "POST", "/v1/recommendations", body),
        (texts["reader"], "POST", "/v1/recommendations", b"{broken"),
        (texts["reader"], "POST", "/v1/models/activate", b'{"version": "none-such"}'),
        (texts["reader"], "POST", "/v1/nowhere", b"{}"),
        (texts["reader"], "GET", "/v1/models", None),
        (texts["reader"], "GET", "/metrics", None),
        (texts["writer"], "POST", "/v1/events", events),
        (texts["operator"], "POST", "/v1/models/activate", b'{"version": "none-such"}'),
        (texts["operator"], "POST", "/v1/recommendations", body),
        (texts["operator"], "GET", "/v1/requests", None),
        (texts["operator"], "GET", "/v1/requests?order=failed", None),
        (texts["operator"], "GET", "/health/ready", None),
        (mistyped, "POST", "/v1/recommendations", body),
        (mistyped, "GET", "/metrics", None),
        (texts["reader"] * 2, "POST", "/v1/recommendations", body),
    ]:
        for how in ({"authorization": f"Bearer {text}"}, {"x-api-key": text}):
            names = {**how, "content-type": "application/json"} if sent else how
            reply = client.ask(method, path, sent, names)
            heard.append(f"{reply.headers} {reply.body.decode()}")
            if path == "/v1/requests" and reply.status == 200:
                for one in reply.json["requests"][:3]:
                    detail = client.ask("GET", f"{path}/{one['request_id']}", None, how)
                    heard.append(detail.body.decode())
