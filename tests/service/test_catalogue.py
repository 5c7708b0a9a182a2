"""Items and users that clients put and retire: over HTTP, a real Valkey, two replicas."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from features import keys
from features.address import Address
from features.codec import decode_rows, fingerprints
from features.tracking import Tracking
from ranking.artifact import read_store
from service.app import Service
from service.catalogue.log import ChangeLog
from service.load import load
from service.models.pointer import Pointer
from service.models.preparation import Preparation
from service.settings import Settings
from service.surfaces.file import SurfaceFile
from tests.features.shelves import until
from tests.service.catalogues import (
    LIKE_I2,
    properties,
    put,
    put_new,
    put_users,
    replica,
    retire,
    seen,
)
from tests.service.conftest import Client
from tests.service.models import publish
from tests.stores import Store, new_store, redis_of

WITHIN_S = 10.0
"""How long a test waits for the other replica; it is there in some milliseconds."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of the same items, and a third of more: it has i60 to i89, too."""
    folder = tmp_path_factory.mktemp("models")
    for world, items, seed in (("one", 60, 0), ("two", 60, 1), ("more", 90, 2)):
        publish(folder, world=world, items=items, seed=seed)
    return folder


@pytest.fixture(scope="module")
def versions(published: Path) -> list[str]:
    return sorted(path.name for path in published.iterdir())


@pytest.fixture
def store(published: Path, versions: list[str], client: Redis, valkey: Store) -> str:
    """The address of a store with the rows of the first model's items."""
    load(client, read_store(published / versions[0]), 1000, lambda *_: None)
    return valkey.url


@pytest.fixture
def one(published: Path, versions: list[str], store: str) -> Iterator[tuple[Service, Client]]:
    with replica(published, versions[0], store) as served:
        yield served


@pytest.fixture
def two(published: Path, versions: list[str], store: str) -> Iterator[tuple[Service, Client]]:
    with replica(published, versions[0], store) as served:
        yield served


type Replica = tuple[Service, Client]


def test_cold_start_users_and_items_are_served_from_the_moment_they_are_put(one: Replica) -> None:
    _, client = one
    answer = put_new(client, "new-1", "new-2")
    assert (answer.status, answer.json["stored"]) == (200, 2)
    assert {"new-1", "new-2"} <= set(seen(client)), "to a stranger with two items of a session"
    assert put_users(client, {"user_id": "new", "features": {"age": 20}}).status == 200
    assert seen(client, user_id="new", session=[])


def test_a_new_item_is_recommendable_on_the_other_replica_within_a_second(
    one: Replica, two: Replica
) -> None:
    for number in range(20):
        item = f"new-{number}"
        assert put_new(one[1], item).status == 200
        until(lambda item=item: item in seen(two[1]), WITHIN_S)  # type: ignore[misc]  # bound now


def test_a_retired_item_is_gone_before_the_answer_and_on_the_other_replica_soon(
    one: Replica, two: Replica
) -> None:
    gone = seen(one[1])[0]
    answer = retire(one[1], gone, "nobody")
    assert (answer.status, answer.json["retired"], answer.json["unknown"]) == (200, 1, 1)
    assert gone not in seen(one[1])
    until(lambda: gone not in seen(two[1]), WITHIN_S)
    for _, client in (one, two):
        assert client.recommend(session=["i2", gone], limit=5).ids, "it counts for taste still"


def test_a_retired_item_is_nobody_s_neighbour_and_no_candidate(one: Replica) -> None:
    _, client = one
    wanted = {"seed_items": ["i2"], "limit": 3, "deadline_ms": 10_000}
    gone = client.post("/v1/similar", wanted).ids[0]
    retire(client, gone)
    assert gone not in client.post("/v1/similar", wanted).ids
    ranked = client.post("/v1/rank", {"candidates": [gone, "i3"], "session": ["i2"]})
    assert ranked.ids == ["i3"]


def test_an_item_that_is_put_again_is_back(one: Replica) -> None:
    _, client = one
    retire(client, "i6")
    assert "i6" not in seen(client)
    assert put(client, {"item_id": "i6"}).status == 200
    assert "i6" in seen(client)
    assert properties(client, "i6")["title"] == "Item 6", "and is what it was"


def test_what_is_not_given_stays_and_properties_are_replaced_as_a_whole(one: Replica) -> None:
    service, client = one
    put(client, {"item_id": "i6", "features": {"year": 1999}})
    snapshot = service.state.read().snapshot
    item = snapshot.catalogue.ordinal("i6")
    assert item is not None
    row = dict(zip(snapshot.item_columns, snapshot.item_rows[item].tolist(), strict=True))
    assert row == {"year": 1999, "genre=even": 1, "genre=odd": 0, "genre=rare_kind": 0}
    assert properties(client, "i6")["title"] == "Item 6"
    put(client, {"item_id": "i6", "properties": {"price": 4.5}})
    assert properties(client, "i6") == {"price": 4.5}
    assert service.state.read().snapshot.item_rows[item, 0] == 1999


def test_features_reach_the_store_and_the_near_cache(one: Replica, client: Redis) -> None:
    service, api = one
    put(api, {"item_id": "i6", "features": {"year": 1999}}, {"item_id": "new"})
    schema = service.state.read().items.schema
    values = [client.get(keys.item_row(item)) for item in ("i6", "new")]
    rows, present = decode_rows(values, fingerprints(["i6", "new"]), schema)  # type: ignore[arg-type]  # bytes
    assert present.all()
    assert rows[0].tolist() == [1999.0, 1.0, 0.0, 0.0]
    assert rows[1].tolist() == schema.default_row.tolist()
    reply = api.post("/v1/rank", {"candidates": ["i6", "new"], "session": ["i2"]})
    assert reply.json["coverage"]["features"] == 1.0


def test_a_filter_asks_for_the_new_properties(one: Replica) -> None:
    _, client = one
    put(
        client,
        {"item_id": "new", "features": LIKE_I2, "properties": {"genre": ["brand new"]}},
        {"item_id": "i6", "properties": {"price": 4.5}},
    )
    assert seen(client, filter="genre = 'brand new'") == ["new"]
    assert seen(client, filter="price < 5") == ["i6"]
    assert "i6" not in seen(client, filter="genre = 'even'")


def test_all_of_it_survives_a_restart(published: Path, versions: list[str], store: str) -> None:
    with replica(published, versions[0], store) as (_, client):
        put_new(client, "new-1", "new-2")
        put(client, {"item_id": "new-1", "properties": {"title": "New"}})
        retire(client, "i6", "new-2")
        before = seen(client)
    with replica(published, versions[0], store) as (service, client):
        assert seen(client) == before
        assert properties(client, "new-1") == {"title": "New"}
        catalogue = service.state.read().snapshot.catalogue
        assert catalogue.ids[-2:] == ("new-1", "new-2"), "in the order in which they came"


def test_a_replica_that_starts_serves_none_that_is_retired_from_its_first_answer(
    one: Replica, published: Path, versions: list[str], store: str
) -> None:
    put_new(one[1], "new")
    retire(one[1], "i6")
    settings = Settings(artifact=published / versions[0], redis=store, port=0)
    parts = Tracking(Address.parse(store)), ChangeLog.at(store), SurfaceFile(None)
    snapshot = Preparation(settings, *parts).first(Pointer(store)).snapshot
    assert snapshot.catalogue.ids[-1] == "new"
    assert snapshot.retired is not None
    assert snapshot.retired.nonzero()[0].tolist() == [6]


def test_no_swap_loses_an_item_or_brings_one_back(
    one: Replica, two: Replica, versions: list[str]
) -> None:
    client = one[1]
    put_new(client, "new")
    put(client, {"item_id": "i62", "features": LIKE_I2, "properties": {"title": "Put"}})
    put(client, {"item_id": "i8", "properties": {"title": "Eight"}})
    retire(client, "i6")
    for version in (versions[1], versions[2], versions[0]):
        assert client.post("/v1/models/activate", {"version": version}).status == 200
        ids = seen(client)
        assert {"new", "i62"} <= set(ids)
        assert "i6" not in ids
        assert properties(client, "i8") == {"title": "Eight"}, "put after the model was made"
    put_new(client, "newer")
    retire(client, "i10")
    assert client.post("/v1/models/rollback", {}).status == 200
    left = set(seen(client))
    assert {"new", "newer", "i62"} <= left
    assert not {"i6", "i10"} & left
    until(lambda: served_by(two) == versions[2], WITHIN_S)
    assert set(seen(two[1])) == left


def test_a_model_of_the_same_items_takes_the_rows_over_also_of_new_ones(
    one: Replica, versions: list[str]
) -> None:
    service, client = one
    put_new(client, "new-1", "new-2")
    before = service.state.read()
    assert client.post("/v1/models/activate", {"version": versions[1]}).status == 200
    after = service.state.read()
    assert after.snapshot.version == versions[1]
    assert after.near is before.near
    assert after.snapshot.catalogue.ids == before.snapshot.catalogue.ids


def test_a_retired_item_is_not_even_pinned(one: Replica) -> None:
    _, client = one
    assert seen(client, pin={"0": "i7"})[0] == "i7"
    retire(client, "i7")
    assert "i7" not in seen(client, pin={"0": "i7"})


def served_by(of: Replica) -> str:
    return of[0].state.read().snapshot.version


def test_a_model_made_later_knows_better_what_its_items_are(
    published: Path, tmp_path: Path, versions: list[str], store: str
) -> None:
    folder = tmp_path / "models"
    shutil.copytree(published / versions[0], folder / versions[0])
    with replica(folder, versions[0], store) as (service, client):
        put(
            client,
            {"item_id": "i62", "features": LIKE_I2, "properties": {"title": "Put"}},
            {"item_id": "only-put", "features": LIKE_I2},
        )
        put(client, {"item_id": "i4", "properties": {"title": "Four"}})
        retire(client, "i4")
        time.sleep(1.1)  # an artifact says to the second when it was made
        version = publish(folder, world="later", items=90, seed=2)
        assert client.post("/v1/models/activate", {"version": version}).status == 200
        assert properties(client, "i62")["title"] == "Item 62"
        snapshot = service.state.read().snapshot
        assert len(snapshot.catalogue) == 91
        assert snapshot.upserted == 1
        assert "only-put" in seen(client)
        assert "i4" not in seen(client), "it stays retired until it is put again"


def test_the_catalogue_grows_in_a_store_that_is_back(published: Path, versions: list[str]) -> None:
    with new_store() as valkey, redis_of(valkey.url) as client:
        load(client, read_store(published / versions[0]), 1000, lambda *_: None)
        with replica(published, versions[0], valkey.url) as (service, api):
            assert put_new(api, "new-1").status == 200
            valkey.stop()
            before = seen(api)
            for refused in (put_new(api, "new-2"), retire(api, before[0])):
                assert refused.status == 503
                assert refused.json["type"] == "urn:braid:problem:not-stored"
                assert "retry-after" in refused.headers
            assert put_users(api, {"user_id": "u", "features": {"age": 3}}).status == 503
            assert seen(api) == before, "nothing of it is served"
            assert "new-1" in before
            valkey.start()  # empty, as after a failover without a replica
            until(lambda: put_new(api, "new-2").status == 200, WITHIN_S)
            assert {"new-1", "new-2"} <= set(seen(api))
            assert service.state.read().snapshot.upserted == 2


def test_a_repeat_changes_nothing(one: Replica) -> None:
    service, client = one
    for _ in range(3):
        put_new(client, "new")
        retire(client, "i6")
    snapshot = service.state.read().snapshot
    assert snapshot.upserted == 1
    assert snapshot.retired is not None
    assert snapshot.retired.sum() == 1
    assert retire(client, "i6").json["retired"] == 1
    assert "new" in seen(client)


def test_two_replicas_that_put_features_of_one_item_at_once_lose_none(
    one: Replica, two: Replica
) -> None:
    given = {"year": 1999}, {"genre": ["odd"]}
    for number in range(20):
        item = f"new-{number}"
        threads = [
            threading.Thread(target=put, args=(client, {"item_id": item, "features": features}))
            for (_, client), features in zip((one, two), given, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for service, _ in (one, two):

        def rows(service: Service = service) -> list[list[float]]:
            snapshot = service.state.read().snapshot
            found: list[list[float]] = snapshot.item_rows[60:].tolist()
            return found

        until(lambda rows=rows: rows() == [[1999.0, 0.0, 1.0, 0.0]] * 20, WITHIN_S)  # type: ignore[misc]  # bound now


@pytest.mark.parametrize(
    ("item", "path", "words"),
    [
        ({"features": {"yaer": 1}}, ".features.yaer", "did you mean year"),
        ({"features": {"year": "1999"}}, ".features.year", "str"),
        ({"features": {"genre": "evil"}}, ".features.genre.evil", "labels"),
        ({"features": {"year": [1999]}}, ".features.year", "number"),
        ({"features": {"year": 1e39}}, ".features.year", "finite"),
        ({"features": {"genre": ["even", "evil"]}}, ".features.genre.evil", "labels"),
        ({"features": {"genre": [1, 0]}}, ".features.genre", "has 2 values"),
        ({"features": {"genre": [1, "even", 0]}}, ".features.genre[1]", "number"),
        ({"features": {"genre": {"even": 1e300}}}, ".features.genre.even", "finite"),
        ({"features": {"genre": 1}}, ".features.genre", "list"),
        ({"properties": {"a": [[[[[[[[[1]]]]]]]]]}}, ".properties", "nested"),
        ({"properties": {"a": "x" * 20_000}}, ".properties", "16384"),
        ({"properties": {f"p{i}": 1 for i in range(65)}}, ".properties", "64"),
        ({"properties": {"n" * 65: 1}}, ".properties", "characters"),
        ({"properties": {"title": 7}}, ".properties.title", "text"),
        ({"properties": {"genre": ["even", 3]}}, ".properties.genre", "text"),
        ({"item_id": "a\0b"}, ".item_id", "NUL"),
        ({"item_id": "first"}, ".item_id", "twice"),
        ({"item_id": ""}, ".item_id", "length"),
        ({"properties": 3}, ".properties", "object"),
        ({"colour": 3}, ".colour", "unknown field"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place_and_nothing_is_put(
    shared: Client, item: dict[str, Any], path: str, words: str
) -> None:
    reply = put(shared, {"item_id": "first"}, {"item_id": "second", **item})
    assert reply.status == 422, reply.body
    assert reply.json["path"] == f"$.items[1]{path}"
    assert words in reply.json["detail"]
    assert "first" not in seen(shared)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e999", b"-1e999"])
def test_a_number_that_is_none_is_refused(shared: Client, number: bytes) -> None:
    body = b'{"items": [{"item_id": "a", "features": {"year": %b}}]}' % number
    assert shared.send("PUT", "/v1/items", body).status in (400, 422)
    body = b'{"items": [{"item_id": "a", "properties": {"price": %b}}]}' % number
    assert shared.send("PUT", "/v1/items", body).status in (400, 422)


@pytest.mark.parametrize("text", [b'"\\ud800"', b'"a\\ud800b"'])
def test_a_text_that_is_none_is_refused(shared: Client, text: bytes) -> None:
    for body in (
        b'{"items": [{"item_id": %b}]}' % text,
        b'{"items": [{"item_id": "a", "properties": {"x": %b}}]}' % text,
    ):
        assert shared.send("PUT", "/v1/items", body).status in (400, 422)


def test_a_number_too_large_for_json_s_readers_is_kept_or_refused_but_no_fault(
    shared: Client,
) -> None:
    body = b'{"items": [{"item_id": "big", "properties": {"n": 123456789012345678901234567890}}]}'
    assert shared.send("PUT", "/v1/items", body).status in (200, 422)


def test_users_are_checked_against_their_own_schema(shared: Client) -> None:
    reply = put_users(shared, {"user_id": "u", "features": {"year": 3}})
    assert (reply.status, reply.json["path"]) == (422, "$.users[0].features.year")
    assert put_users(shared, {"user_id": "u"}).status == 422
    twice = [{"user_id": "u", "features": {"age": 3}}] * 2
    assert put_users(shared, *twice).json["path"] == "$.users[1].user_id"


def test_a_thousand_at_once_and_no_more(shared: Client) -> None:
    assert put(shared, *({"item_id": f"m{i}"} for i in range(1000))).json["stored"] == 1000
    assert put(shared, *({"item_id": f"m{i}"} for i in range(1001))).status == 422
    ids = [f"m{i}" for i in range(1000)]
    assert retire(shared, *ids).json["retired"] == 1000
    assert not set(ids) & set(seen(shared))
    assert retire(shared, *ids, "one-more").status == 422
    assert (
        put_users(
            shared, *({"user_id": f"m{i}", "features": {"age": i}} for i in range(1000))
        ).json["stored"]
        == 1000
    )


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/v1/items", "PUT, DELETE"),
        ("GET", "/v1/items", "PUT, DELETE"),
        ("DELETE", "/v1/users", "PUT"),
        ("PUT", "/v1/recommendations", "POST"),
    ],
)
def test_other_methods_are_told_which_there_are(
    shared: Client, method: str, path: str, allow: str
) -> None:
    reply = shared.send(method, path, {})
    assert (reply.status, reply.headers["allow"]) == (405, allow)


@pytest.fixture(scope="module")
def shared(published: Path, versions: list[str]) -> Iterator[Client]:
    """A replica for tests that leave nothing behind that another minds."""
    with new_store() as valkey, replica(published, versions[0], valkey.url) as (_, client):
        yield client


def test_a_user_s_features_are_read_by_the_next_request(one: Replica, client: Redis) -> None:
    service, api = one
    schema = service.state.read().user_schema
    put_users(api, {"user_id": "u1", "features": {"age": 77}}, {"user_id": "new", "features": {}})
    values = [client.get(keys.user_row(user)) for user in ("u1", "new")]
    rows, present = decode_rows(values, fingerprints(["u1", "new"]), schema)  # type: ignore[arg-type]  # bytes
    assert present.all()
    assert rows[0, schema.columns.index("age")] == 77
    assert rows[1].tolist() == schema.default_row.tolist()


def test_loading_an_older_model_s_rows_again_leaves_later_ones_be(
    one: Replica, published: Path, versions: list[str], client: Redis
) -> None:
    service, api = one
    put(api, {"item_id": "i6", "features": {"year": 1999}}, {"item_id": "new", "features": LIKE_I2})
    schema = service.state.read().items.schema
    ids = ["i6", "new", "i8"]
    before = [client.get(keys.item_row(item_id)) for item_id in ids]
    load(client, read_store(published / versions[1]), 1000, lambda *_: None)
    assert [client.get(keys.item_row(item_id)) for item_id in ids] == before
    rows, present = decode_rows(before, fingerprints(ids), schema)  # type: ignore[arg-type]  # bytes
    assert present.all()
    assert rows[:2, 0].tolist() == [1999, 1952]
