"""Models swapped in a running service: real sockets, a real Valkey, small worlds."""

import shutil
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from features import keys
from ranking.artifact import read_store
from service.app import Service
from service.load import load
from service.running import running
from service.settings import Settings
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client, Reply
from tests.service.damages import DAMAGED, MISNAMED, UNFIT, Damage
from tests.service.models import publish
from tests.stores import Store, new_store

WANTED = {"session": ["i2", "i4"], "limit": 10, "deadline_ms": 10_000}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of the same items, and a third of more."""
    folder = tmp_path_factory.mktemp("models")
    for world, items, seed in (("one", 60, 0), ("two", 60, 1), ("more", 90, 2)):
        publish(folder, world=world, items=items, seed=seed)
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy, of which a test may damage what it likes."""
    return shutil.copytree(published, tmp_path / "models")


@pytest.fixture
def versions(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def store(folder: Path, versions: list[str], client: Redis, valkey: Store) -> str:
    """The address of a store with the rows of all items."""
    load(client, read_store(folder / versions[2]), 1000, lambda *_: None)
    return valkey.url


@contextmanager
def serving(
    folder: Path, version: str, store: str, surfaces: Path | None = None
) -> Iterator[tuple[Service, Client]]:
    settings = Settings(
        artifact=folder / version,
        redis=store,
        surfaces=surfaces,
        port=0,
        loops=2,
        fetch_budget_ms=5000,
        longest_wait_ms=0,  # nobody is sent away, however busy the machine is
    )
    with ExitStack() as stack:
        service = stack.enter_context(running(settings, QUIET))
        client = Client(service.url)
        stack.callback(client.close)
        yield service, client


def activate(client: Client, version: str) -> Reply:
    return client.post("/v1/models/activate", {"version": version})


def rollback(client: Client) -> Reply:
    return client.post("/v1/models/rollback", {})


def served(client: Client) -> str:
    version: str = client.recommend(**WANTED).json["model_version"]
    return version


def known(client: Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/v1/models").json
    return answer


def gone(parts: list[weakref.ref[Any]], client: Client) -> bool:
    """Tell whether all are freed.

    Asking wakes the threads that wait for work. Without the GIL an object's last count may be left
    to the thread that made it, or to one that has its identity since: while that one sleeps the
    object stays.
    """
    known(client)
    return all(part() is None for part in parts)


def worlds(reply: Reply) -> set[str]:
    return {item["properties"]["world"] for item in reply.json["items"]}


def test_hot_model_swap_serves_what_was_activated_and_the_one_before_is_a_rollback_away(
    folder: Path, versions: list[str], store: str
) -> None:
    with serving(folder, versions[0], store) as (_, client):
        assert known(client)["previous"] is None
        reply = activate(client, versions[1])
        assert (reply.status, reply.json["active"]) == (200, versions[1])
        assert reply.json["previous"] == versions[0]
        assert worlds(client.recommend(**WANTED)) == {"two"}
        listed = {one["version"]: one for one in known(client)["versions"]}
        assert [*listed] == versions[::-1], "the newest first"
        assert [one["active"] for one in listed.values()] == [False, True, False]
        assert [one["previous"] for one in listed.values()] == [False, False, True]
        assert rollback(client).json["active"] == versions[0]
        assert worlds(client.recommend(**WANTED)) == {"one"}


def test_going_back_twice_is_refused_for_it_would_be_going_forward(
    folder: Path, versions: list[str], store: str
) -> None:
    with serving(folder, versions[0], store) as (_, client):
        assert rollback(client).status == 409
        activate(client, versions[1])
        assert rollback(client).status == 200
        again = rollback(client)
        assert (again.status, again.json["type"]) == (
            409,
            "urn:braid:problem:no-way-back",
        )
        assert served(client) == versions[0]


def test_going_back_reads_nothing(folder: Path, versions: list[str], store: str) -> None:
    with serving(folder, versions[0], store) as (_, client):
        activate(client, versions[1])
        shutil.rmtree(folder / versions[0])
        assert rollback(client).status == 200
        assert served(client) == versions[0]


@pytest.mark.parametrize("version", ["2020-01-01-1", "../models", "/etc", "."])
def test_a_version_that_is_none_is_a_404(
    folder: Path, versions: list[str], store: str, version: str
) -> None:
    with serving(folder, versions[0], store) as (_, client):
        reply = activate(client, version)
        assert (reply.status, reply.json["type"]) == (404, "urn:braid:problem:no-such-version")
        assert served(client) == versions[0]


def test_hot_model_swap_is_atomic_every_answer_under_load_is_of_one_version(
    folder: Path, versions: list[str], store: str
) -> None:
    world_of = {versions[0]: {"one"}, versions[1]: {"two"}, versions[2]: {"more"}}
    faults, answers, ended = list[str](), list[str](), threading.Event()
    with serving(folder, versions[0], store) as (service, client):

        def ask() -> None:
            mine = Client(service.url)
            while not ended.is_set():
                reply = mine.post("/v1/recommendations", WANTED)
                if reply.status != 200 or reply.json["degraded"]:
                    faults.append(reply.body.decode())
                elif worlds(reply) != world_of[reply.json["model_version"]]:
                    faults.append(f"mixed: {reply.body.decode()}")
                else:
                    answers.append(reply.json["model_version"])
            mine.close()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for number in range(1, 13):
                assert activate(client, versions[number % 3]).status == 200
            assert rollback(client).status == 200
        finally:
            ended.set()
            for thread in threads:
                thread.join()
    assert faults == []
    assert set(answers) == set(versions)


def test_an_old_model_is_freed_when_its_last_reader_has_left(
    folder: Path, versions: list[str], store: str
) -> None:
    with serving(folder, versions[2], store) as (service, client):
        reader: Any = service.state.read()
        parts = (reader.snapshot.embeddings, reader.snapshot.scorer, reader.near)
        old = [weakref.ref(part) for part in parts]
        del parts
        activate(client, versions[0])
        activate(client, versions[1])
        assert served(client) == versions[1]
        assert all(ref() is not None for ref in old), "a request may be answered from it still"
        del reader
        until(lambda: gone(old, client), 20)


def test_a_version_gone_back_from_is_freed(folder: Path, versions: list[str], store: str) -> None:
    with serving(folder, versions[0], store) as (service, client):
        activate(client, versions[2])
        left: Any = service.state.read()
        old = [weakref.ref(part) for part in (left.snapshot.scorer, left.near)]
        del left
        rollback(client)
        until(lambda: gone(old, client), 20)


SHADOWED = """
[surfaces.home]
limit = 10
filters = {{ rule = "genre != 'none'" }}
[surfaces.home.experiment]
salt = "home-1"
kind = "shadow"
[surfaces.home.experiment.variants.next]
share = 1.0
model = "{model}"
"""


def test_an_old_model_is_freed_whatever_its_successors_took_over_from_it(
    folder: Path, versions: list[str], store: str, tmp_path: Path
) -> None:
    """The near cache goes from hand to hand; plans, filters and shadows do not keep a model."""
    surfaces = tmp_path / "surfaces.toml"
    surfaces.write_text(SHADOWED.format(model=versions[2]))
    with serving(folder, versions[0], store, surfaces=surfaces) as (service, client):
        activate(client, versions[1])
        asked = {**WANTED, "filter": "world != 'x'"}
        for _ in range(20):
            assert client.recommend(**asked).json["model_version"] == versions[1]
        left: Any = service.state.read()
        near = left.near
        parts = (left.snapshot.directions, left.snapshot.scorer, left.plans, left.filters)
        old = [weakref.ref(part) for part in parts]
        del left, parts
        activate(client, versions[0])
        assert service.state.read().near is near
        assert service.state.read().snapshot.version == versions[0]
        # The version before is kept for a rollback; only the one after the next is freed.
        assert all(ref() is not None for ref in old)
        rollback(client)
        activate(client, versions[0])
        activate(client, versions[2])
        for _ in range(20):
            client.recommend(**asked)
        until(lambda: gone(old, client), 20)


def test_rows_stay_near_where_the_items_stay_the_same(
    folder: Path, versions: list[str], store: str
) -> None:
    with serving(folder, versions[0], store) as (service, client):
        near = service.state.read().near
        until(lambda: near.used == near.slots, 20)
        activate(client, versions[1])
        assert service.state.read().near is near
        activate(client, versions[2])
        other = service.state.read().near
        assert other is not near
        assert other.used == other.slots == 90, "it was filled before anybody asked"


def test_every_replica_follows_forth_and_back(
    folder: Path, versions: list[str], store: str
) -> None:
    with (
        serving(folder, versions[0], store) as (_, one),
        serving(folder, versions[0], store) as (_, two),
    ):
        activate(one, versions[1])
        until(lambda: served(two) == versions[1], 10)
        rollback(two)
        until(lambda: served(one) == versions[0], 10)
        names = {known(one)["replica"], known(two)["replica"]}

        def everybody() -> bool:
            listed = {version["version"]: version for version in known(one)["versions"]}
            return set(listed[versions[0]]["served_by"]) == names

        until(everybody, 10)


def test_a_replica_that_refuses_says_why_and_serves_what_it_did(
    folder: Path, versions: list[str], store: str, tmp_path: Path
) -> None:
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / versions[1] / "ranker.txt").unlink()
    with (
        serving(folder, versions[0], store) as (_, one),
        serving(damaged, versions[0], store) as (_, two),
    ):
        activate(one, versions[1])

        def refusals() -> list[dict[str, str]]:
            listed = {version["version"]: version for version in known(one)["versions"]}
            found: list[dict[str, str]] = listed[versions[1]]["refused_by"]
            return found

        until(lambda: bool(refusals()), 10)
        assert refusals()[0]["replica"] == known(two)["replica"]
        assert "ranker.txt" in refusals()[0]["reason"]
        assert (served(one), served(two)) == (versions[1], versions[0])
        # Mended, it is served as soon as it is wanted anew.
        shutil.copy(folder / versions[1] / "ranker.txt", damaged / versions[1])
        activate(one, versions[1])
        until(lambda: served(two) == versions[1], 10)
        until(lambda: not refusals(), 10)


def test_a_replica_that_starts_after_a_rollback_does_not_come_up_with_the_newest(
    folder: Path, versions: list[str], store: str
) -> None:
    with serving(folder, versions[0], store) as (_, one):
        activate(one, versions[2])
        rollback(one)
        settings = Settings(artifact=folder, redis=store, port=0, loops=1)
        with running(settings, QUIET) as late:
            assert late.state.read().snapshot.version == versions[0]


def test_a_starting_replica_whose_wanted_version_is_damaged_serves_what_it_is_told(
    folder: Path, versions: list[str], store: str
) -> None:
    with serving(folder, versions[0], store) as (_, one):
        activate(one, versions[1])
    (folder / versions[1] / "catalogue.json").write_text("[]")
    with serving(folder, versions[0], store) as (_, client):
        assert served(client) == versions[0]
        until(lambda: any(one["refused_by"] for one in known(client)["versions"]), 10)


def test_without_redis_nothing_changes_and_the_versions_are_still_listed(
    folder: Path, versions: list[str]
) -> None:
    valkey = new_store().start()
    with serving(folder, versions[0], valkey.url) as (service, client):
        activate(client, versions[1])
        valkey.stop()
        for reply in (activate(client, versions[0]), rollback(client)):
            assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert service.state.read().snapshot.version == versions[1]
        assert known(client)["pointer"] is False
        assert [one["version"] for one in known(client)["versions"]] == versions[::-1]
        valkey.start()  # without the pointer: nobody wants anything, and what is served stays
        until(lambda: known(client)["pointer"], 10)
        until(lambda: activate(client, versions[0]).status == 200, 10)
    valkey.stop()


@pytest.fixture(scope="module")
def steady(
    published: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str, str, Client]]:
    """A service that must not be moved; the second version is a copy to be damaged each time."""
    folder = tmp_path_factory.mktemp("steady")
    first, second, _ = sorted(path.name for path in published.iterdir())
    shutil.copytree(published / first, folder / first)
    with new_store() as valkey, serving(folder, first, valkey.url) as (_, client):
        yield folder, first, second, client


@pytest.mark.parametrize("damage", DAMAGED | MISNAMED | UNFIT, ids=lambda damage: damage.__name__)
def test_hot_model_swap_is_gated_a_damaged_or_unfit_artifact_is_refused_and_the_old_one_serves(
    published: Path, steady: tuple[Path, str, str, Client], damage: Damage
) -> None:
    folder, first, second, client = steady
    artifact = folder / second
    shutil.rmtree(artifact, ignore_errors=True)
    shutil.copytree(published / second, artifact)
    damage(artifact)
    before = client.recommend(**WANTED)
    reply = activate(client, second)
    assert (reply.status, reply.json["type"]) == (422, "urn:braid:problem:model-refused")
    assert (DAMAGED | MISNAMED | UNFIT)[damage] in reply.json["detail"]
    after = client.recommend(**WANTED)
    assert after.json["model_version"] == first
    assert (after.ids, worlds(after)) == (before.ids, {"one"})
    assert known(client)["active"] == first
    (refusal,) = next(one for one in known(client)["versions"] if one["version"] == second)[
        "refused_by"
    ]
    assert refusal["reason"] == reply.json["detail"]


def test_what_was_refused_is_activated_once_it_is_mended(
    published: Path, steady: tuple[Path, str, str, Client]
) -> None:
    folder, first, second, client = steady
    shutil.rmtree(folder / second, ignore_errors=True)
    shutil.copytree(published / second, folder / second)
    assert activate(client, second).status == 200
    assert all(one["refused_by"] == [] for one in known(client)["versions"])
    assert rollback(client).json["active"] == first


def test_one_change_at_a_time(folder: Path, versions: list[str], store: str) -> None:
    with serving(folder, versions[0], store) as (service, client):
        statuses = list[int]()

        def change(version: str) -> None:
            mine = Client(service.url)
            statuses.append(activate(mine, version).status)
            mine.close()

        threads = [threading.Thread(target=change, args=(versions[n % 3],)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(statuses) <= {200, 409}
        assert 200 in statuses
        assert served(client) == known(client)["active"]


def test_the_pointer_is_one_hash_that_a_person_can_read(
    folder: Path, versions: list[str], store: str, client: Redis
) -> None:
    with serving(folder, versions[0], store) as (_, http):
        activate(http, versions[1])
        found = client.hgetall(keys.MODEL)
    assert found == {
        b"version": versions[1].encode(),
        b"previous": versions[0].encode(),
        b"serial": b"1",
    }
