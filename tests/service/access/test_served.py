"""Keys, rates, certificate, browsers' headers and audit of a real service on a real socket."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.app import Service
from service.http.contract import ADMIN, CATALOGUE, OPERATIONS
from service.running import running
from service.settings import Settings
from tests.service.access.conftest import Keychain
from tests.service.access.test_tls import make_certificate
from tests.service.conftest import QUIET, Client, Reply
from tests.stores import Store

ORIGIN = "https://shop.example"
ALL = [*OPERATIONS, *CATALOGUE, *ADMIN]


@dataclass
class Guarded:
    """A service that asks for keys, and what the tests know of it."""

    service: Service
    keychain: Keychain
    audit: Path
    url: str

    def ask(
        self, method: str, path: str, key: str | None, body: Any = None, **headers: str
    ) -> Reply:
        client = Client(self.url)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            names["authorization"] = f"Bearer {self.keychain.texts[key]}"
        if body is not None:
            names.setdefault("content-type", "application/json")
        try:
            raw = None if body is None else json.dumps(body).encode()
            return client.ask(method, path, raw, names)
        finally:
            client.close()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.audit.read_text().splitlines()]


@pytest.fixture(scope="module")
def guarded(
    artifacts: Path,
    filled: Store,
    made: Keychain,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    keychain = Keychain(folder / "keys.json", [*made.records], {**made.texts})
    keychain.make("limited", "read", rate="3/h")
    settings = Settings(
        artifact=artifacts,
        redis=filled.url,
        port=0,
        fetch_budget_ms=5000,
        keys=keychain.path,
        audit=folder / "audit.jsonl",
    )
    with running(settings, QUIET) as service:
        yield Guarded(service, keychain, folder / "audit.jsonl", service.url)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("operation", ALL, ids=lambda one: f"{one.method} {one.path}")
def test_every_operation_asks_for_a_key_and_for_its_scope(guarded: Guarded, operation: Any) -> None:
    refused = guarded.ask(operation.method, operation.path, None, operation.example)
    assert refused.status == 401, refused.body
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json["type"] == "urn:braid:problem:unauthorized"
    other = "reader" if operation.scope != "read" else "operator"
    refused = guarded.ask(operation.method, operation.path, other, operation.example)
    assert refused.status == 403
    assert f"takes the scope {operation.scope}" in refused.json["detail"]


def test_a_key_of_the_scope_is_answered_as_ever(guarded: Guarded) -> None:
    for _ in range(3):
        reply = guarded.ask("POST", "/v1/recommendations", "reader", {"user_id": "196"})
        assert reply.status == 200
    events = {"events": [{"user_id": "guest-1", "item_id": "50", "type": "click"}]}
    assert guarded.ask("POST", "/v1/events", "writer", events).status == 200


def test_one_connection_may_carry_several_keys_and_each_is_asked_anew(guarded: Guarded) -> None:
    client = Client(guarded.url)
    body = json.dumps({"user_id": "196"}).encode()
    kind = {"content-type": "application/json"}
    for key, status in [("reader", 200), ("operator", 403), ("reader", 200)]:
        bearer = {"authorization": f"Bearer {guarded.keychain.texts[key]}"}
        assert client.ask("POST", "/v1/recommendations", body, {**kind, **bearer}).status == status
    assert client.ask("POST", "/v1/recommendations", body, kind).status == 401
    client.close()


def test_a_body_of_a_stranger_is_not_waited_for(guarded: Guarded) -> None:
    """More than the short way takes: the answer comes though no byte of the body does."""
    address = urlsplit(guarded.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.putrequest("POST", "/v1/recommendations")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", "500000")
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/schema/openapi.json"])
def test_health_and_the_document_need_no_key(guarded: Guarded, path: str) -> None:
    assert guarded.ask("GET", path, None).status == 200


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/metrics", "reader"),
        ("//metrics", "reader"),
        ("/metrics/", "reader"),
        ("/v1/models", "reader"),
        ("/v1/experiments", "reader"),
        ("/v1/requests", "operator"),
        ("/v1/requests/abc", "operator"),
    ],
)
def test_a_page_that_tells_something_needs_a_key(guarded: Guarded, path: str, key: str) -> None:
    assert guarded.ask("GET", path, None).status == 401
    assert guarded.ask("GET", path, key).status in {200, 404}
    assert guarded.ask("HEAD", path, None).status in {401, 405}


def test_too_many_are_told_when_to_come_again(guarded: Guarded) -> None:
    body = {"user_id": "196", "limit": 1}
    replies = [guarded.ask("POST", "/v1/recommendations", "limited", body) for _ in range(5)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
    assert 1100 < int(replies[-1].headers["retry-after"]) <= 1200
    assert replies[-1].headers["ratelimit-policy"] == '"key";q=3;w=3600'
    assert replies[-1].json["type"] == "urn:braid:problem:too-many-requests"


def test_a_revoked_key_ends_while_the_service_runs(guarded: Guarded) -> None:
    guarded.keychain.make("guest", "read")
    body = {"user_id": "196", "limit": 1}

    def ask() -> int:
        return guarded.ask("POST", "/v1/recommendations", "guest", body).status

    until(lambda: ask() == 200)
    guarded.keychain.revoke("guest")
    until(lambda: ask() == 401)
    assert guarded.ask("POST", "/v1/recommendations", "reader", body).status == 200
    until(lambda: {"taken on", "no longer taken"} <= {line["outcome"] for line in guarded.lines()})


def test_what_operators_do_is_in_the_audit_log(guarded: Guarded) -> None:
    reply = guarded.ask("POST", "/v1/models/activate", "operator", {"version": "none-such"})
    assert reply.status == 404
    mine = reply.headers["x-request-id"]

    def found() -> list[dict[str, Any]]:
        return [line for line in guarded.lines() if line.get("request_id") == mine]

    until(lambda: bool(found()))
    line = found()[0]
    assert line.pop("at").startswith("20")
    assert line == {
        "action": "/v1/models/activate",
        "outcome": "404",
        "who": "operator",
        "what": '{"version": "none-such"}',
        "request_id": mine,
    }
    assert guarded.audit.stat().st_mode & 0o777 == 0o600


def test_who_was_turned_away_is_counted(guarded: Guarded) -> None:
    guarded.ask("POST", "/v1/recommendations", None, {"user_id": "196"})
    metrics = guarded.ask("GET", "/metrics", "reader").body.decode()
    counted = dict(
        line.rsplit(" ", 1) for line in metrics.splitlines() if line.startswith("braid_access")
    )
    assert float(counted['braid_access_refused_total{reason="no_key"}']) >= 1


@pytest.mark.parametrize("path", ["/", "/schema", "/health/ready", "/metrics", "/nowhere"])
def test_every_answer_forbids_sniffing_and_keeping(guarded: Guarded, path: str) -> None:
    headers = guarded.ask("GET", path, "reader").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers
    assert "access-control-allow-origin" not in headers


def test_a_slate_forbids_them_too_and_other_origins_are_told_nothing(guarded: Guarded) -> None:
    body = {"user_id": "196", "limit": 1}
    headers = guarded.ask("POST", "/v1/recommendations", "reader", body, origin=ORIGIN).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert not [name for name in headers if name.startswith("access-control")]
    preflight = {"origin": ORIGIN, "access_control_request_method": "POST"}
    reply = guarded.ask("OPTIONS", "/v1/recommendations", None, **preflight)
    assert reply.status == 405
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/schema"])
def test_a_page_runs_scripts_of_ours_alone(guarded: Guarded, path: str) -> None:
    policy = guarded.ask("GET", path, None).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe" not in scripts
    assert "*" not in policy
    assert "http" not in policy


def test_with_tls_and_origins_a_browser_elsewhere_may_ask(
    artifacts: Path, filled: Store, made: Keychain, tmp_path: Path
) -> None:
    certificate, key = make_certificate(tmp_path)
    keychain = Keychain(tmp_path / "keys.json", made.records)
    keychain.save()
    settings = Settings(
        artifact=artifacts,
        redis=filled.url,
        port=0,
        fetch_budget_ms=5000,
        keys=keychain.path,
        tls_cert=certificate,
        tls_key=key,
        cors_origins=(ORIGIN,),
    )
    with running(settings, QUIET) as service:
        assert service.url.startswith("https://")
        port = urlsplit(service.url).port
        trusting = ssl.create_default_context(cafile=str(certificate))
        connection = http.client.HTTPSConnection("localhost", port, context=trusting, timeout=30)

        def ask(method: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str]]:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            raw = None if body is None else json.dumps(body).encode()
            connection.request(method, "/v1/recommendations", raw, names)
            reply = connection.getresponse()
            reply.read()
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}

        wanted = {"origin": ORIGIN, "access_control_request_method": "POST"}
        status, headers = ask("OPTIONS", **wanted)
        assert status == 204
        assert headers["access-control-allow-origin"] == ORIGIN
        assert "authorization" in headers["access-control-allow-headers"]
        status, headers = ask("OPTIONS", **{**wanted, "origin": f"{ORIGIN}.evil.example"})
        assert status == 405
        assert "access-control-allow-origin" not in headers
        bearer = f"Bearer {made.texts['reader']}"
        body = {"user_id": "196", "limit": 1}
        kind = {"content_type": "application/json", "authorization": bearer}
        for _ in range(3):  # one connection
            status, headers = ask("POST", body, origin=ORIGIN, **kind)
            assert status == 200
        assert headers["access-control-allow-origin"] == ORIGIN
        assert headers["vary"] == "origin"
        assert headers["strict-transport-security"].startswith("max-age=")
        assert headers["x-content-type-options"] == "nosniff"
        status, headers = ask("POST", body, **{**kind, "authorization": "Bearer no"}, origin=ORIGIN)
        assert status == 401
        assert headers["access-control-allow-origin"] == ORIGIN, "so that the page sees why"
        assert connection.sock is not None
        assert connection.sock.version() == "TLSv1.3"
        connection.close()
        plain = http.client.HTTPConnection("localhost", port, timeout=10)
        plain.request("GET", "/health/live")
        with pytest.raises((OSError, http.client.HTTPException)):
            plain.getresponse()
        plain.close()
