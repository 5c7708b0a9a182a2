"""A real service on a real socket over a real Valkey, serving a model of MovieLens 100k."""

import http.client
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from rich.console import Console

from service.app import Service
from service.running import running
from service.settings import Settings
from tests.filling import fill as fill  # for those who fill a store of their own
from tests.stores import Store

QUIET = Console(file=io.StringIO())


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def ids(self) -> list[str]:
        return [item["item_id"] for item in self.json["items"]]


class Client:
    """One keep-alive connection."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=30
        )

    def post(self, path: str, body: Any, content_type: str = "application/json") -> Reply:
        return self.send("POST", path, body, content_type)

    def send(
        self, method: str, path: str, body: Any, content_type: str = "application/json"
    ) -> Reply:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask(method, path, raw, {"content-type": content_type})

    def get(self, path: str) -> Reply:
        return self.ask("GET", path)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        self._connection.request(method, path, body, headers or {})
        response = self._connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, names, response.read())

    def recommend(self, **wanted: Any) -> Reply:
        reply = self.post("/v1/recommendations", wanted)
        assert reply.status == 200, reply.body
        return reply

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="session")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Braid's own surfaces, with a deadline that a busy test machine keeps."""
    own = files("service.surfaces").joinpath("default.toml").read_text()
    file = tmp_path_factory.mktemp("surfaces") / "patient.toml"
    file.write_text(re.sub(r"(?m)^(\[surfaces\.\w+\])$", r"\1\ndeadline_ms = 5000", own))
    return file


@pytest.fixture(scope="session")
def service(artifacts: Path, filled: Store, patient: Path) -> Iterator[Service]:
    # A budget, a wait and deadlines that a busy test machine keeps: what these tests are about is
    # neither the fallback nor the refusal.
    settings = Settings(
        artifact=artifacts,
        redis=filled.url,
        surfaces=patient,
        port=0,
        fetch_budget_ms=5000,
        write_budget_ms=30_000,
        longest_wait_ms=5000,
    )
    with running(settings, QUIET) as service:
        yield service


@pytest.fixture
def api(service: Service) -> Iterator[Client]:
    client = Client(service.url)
    yield client
    client.close()
