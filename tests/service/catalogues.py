"""Two replicas over one Valkey, and how to put, retire and look."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from service.app import Service
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET, Client, Reply

LIKE_I2 = {"year": 1952, "genre": ["even"]}
"""The features of an item that whoever took even items would take."""

AFTER_EVEN = {"session": ["i2", "i4"], "limit": 80, "deadline_ms": 10_000, "diversity": 0}


@contextmanager
def replica(
    folder: Path, version: str, store: str, **more: Any
) -> Iterator[tuple[Service, Client]]:
    settings = Settings(
        artifact=folder / version, redis=store, port=0, loops=1, fetch_budget_ms=5000, **more
    )
    with ExitStack() as stack:
        service = stack.enter_context(running(settings, QUIET))
        client = Client(service.url)
        stack.callback(client.close)
        yield service, client


def put(client: Client, *items: dict[str, Any]) -> Reply:
    return client.send("PUT", "/v1/items", {"items": items})


def put_new(client: Client, *ids: str) -> Reply:
    return put(client, *({"item_id": one, "features": LIKE_I2} for one in ids))


def retire(client: Client, *ids: str) -> Reply:
    return client.send("DELETE", "/v1/items", {"item_ids": ids})


def put_users(client: Client, *users: dict[str, Any]) -> Reply:
    return client.send("PUT", "/v1/users", {"users": users})


def seen(client: Client, **wanted: Any) -> list[str]:
    """Return the ids of a slate so long that every candidate is in it."""
    return client.recommend(**{**AFTER_EVEN, **wanted}).ids


def properties(client: Client, item_id: str) -> dict[str, Any]:
    """Return what is shown of one item."""
    reply = client.post("/v1/rank", {"candidates": [item_id], "session": ["i2"]})
    assert reply.status == 200, reply.body
    shown: dict[str, Any] = reply.json["items"][0]["properties"]
    return shown
