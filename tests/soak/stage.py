"""The stage of the soak: small models, surfaces, keys, a Redis that can be killed, a service."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from benchmarks.servers import free_port
from ranking.artifact import read_store
from service.access.file import changing, save
from service.access.record import Record
from service.access.scope import Scope
from service.load import load
from tests.faults.durable import Durable
from tests.service.models import publish

START_S = 90.0
ALL: frozenset[Scope] = frozenset(("read", "write", "admin"))
ITEMS = [f"i{number}" for number in range(200)]
USERS = [f"u{number}" for number in range(40)]
PUT = "put"
"""The world of items that clients put; a model's own say which model they are of."""

SURFACES = """\
[surfaces.home]
limit = {limit}
deadline_ms = 2000
[surfaces.home.experiment]
salt = "{salt}"
{experiment}

[surfaces.ruled]
limit = 10
deadline_ms = 2000
[surfaces.ruled.filters.served]
hide_after = 50
log = true
[surfaces.ruled.rerank]
caps = [{{ attribute = "genre", label = "even", most = {most} }}]
"""
SHADOW = """\
kind = "shadow"
[surfaces.home.experiment.variants.rival]
share = 1.0
model = "{version}"
"""
SPLIT = """\
[surfaces.home.experiment.variants.short]
share = 0.5
settings.limit = {less}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is. ``worlds`` are the versions, by what their items say of themselves."""

    url: str
    pid: int
    redis: Durable
    versions: dict[str, str]
    surfaces: Path
    keys: Path
    key: str
    log: Path

    @property
    def worlds(self) -> dict[str, str]:
        """Return by version what its items say."""
        return {version: world for world, version in self.versions.items()}


def write_surfaces(path: Path, turn: int, versions: dict[str, str]) -> None:
    """Put another file of surfaces in place, in one step."""
    names = list(versions.values())
    experiment = (SHADOW if turn % 2 else SPLIT).format(
        version=names[turn // 2 % len(names)], less=5 + turn % 4
    )
    text = SURFACES.format(
        limit=10 + turn % 5, salt=f"soak-{turn % 6}", experiment=experiment, most=3 + turn % 4
    )
    replace_text(path, text)


def replace_text(path: Path, text: str) -> None:
    """Write beside and rename: whoever reads sees one or the other."""
    beside = path.with_name(f".{path.name}")
    beside.write_text(text)
    beside.replace(path)


def add_key(path: Path, name: str) -> str:
    """Add a key for everything; return its text."""
    with changing(path) as records:
        record, text = Record.make(name, ALL)
        save(path, [*records, record])
    return text


def revoke_key(path: Path, name: str) -> None:
    """Take a key away."""
    with changing(path) as records:
        save(path, [one for one in records if one.name != name])


@contextmanager
def set_up(folder: Path, *flags: str) -> Iterator[Stage]:
    """Publish, fill, start; stop in the end, and fail if it does not end by itself."""
    artifacts, data = folder / "artifacts", folder / "redis"
    data.mkdir()
    versions = {
        world: publish(artifacts, world=world, items=items, seed=seed)
        for world, items, seed in (("one", 200, 0), ("two", 200, 1), ("more", 240, 2))
    }
    surfaces, keys, log = folder / "surfaces.toml", folder / "keys.json", folder / "service.log"
    write_surfaces(surfaces, 0, versions)
    key = add_key(keys, "soak")
    port = free_port()
    with Durable(data, fsync="everysec") as server:
        with redis.Redis.from_url(server.url) as client:
            load(client, read_store(artifacts / versions["more"]), 1000, lambda *_: None)
        command = [sys.executable, "-m", "service.cli", "serve", "--port", str(port)]
        command += ["--loops", "2", "--redis", server.url, "--surfaces", str(surfaces)]
        command += ["--artifact", str(artifacts / versions["one"]), "--keys", str(keys)]
        with log.open("w") as words:
            process = subprocess.Popen(
                [*command, *flags],
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                env={**os.environ, "PYTHON_GIL": "0"},
            )
        try:
            _await(process, port, log)
            yield Stage(
                f"127.0.0.1:{port}", process.pid, server, versions, surfaces, keys, key, log
            )
            process.terminate()
            assert process.wait(30) == 0, f"it ended with {process.returncode}"
        finally:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    import http.client

    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise AssertionError(f"the service did not come up: {log.read_text()[-2000:]}")
