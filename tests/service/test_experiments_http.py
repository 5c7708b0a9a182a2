"""Experiments over HTTP: variants differ, exposures are noted, shadows are compared."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from features.exposures import Exposure
from ranking.experiments import Experiment, assign
from ranking.surfaces import parse
from service.app import Service
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET, Client
from tests.service.models import publish
from tests.stores import Store, new_store, redis_of
from training.experiments.sources import stored_exposures

SURFACES = """
[surfaces.home]
limit = 10
[surfaces.home.experiment]
salt = "home-1"
holdout = 0.1
[surfaces.home.experiment.variants.short]
share = 0.5
settings = {{ limit = 4 }}

[surfaces.cart]
limit = 6
rerank = {{ diversity = 0.0 }}
sources = {{ cooccurrence = {{ quota = 60 }} }}
[surfaces.cart.experiment]
salt = "cart-1"
kind = "interleaving"
[surfaces.cart.experiment.variants.popular]
share = 0.5
settings = {{ sources = {{ cooccurrence = {{ quota = 1 }}, popularity = {{ quota = 10 }} }} }}

[surfaces.item]
limit = 5
[surfaces.item.experiment]
salt = "item-1"
kind = "shadow"
[surfaces.item.experiment.variants.next]
share = 1.0
model = "{model}"
"""

USERS = [f"visitor-{n}" for n in range(40)]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("models")
    return folder, [publish(folder, world="one", seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with new_store() as valkey:
        yield valkey


@pytest.fixture(scope="module")
def tried(
    versions: tuple[Path, list[str]],
    store: Store,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    folder, [first, second] = versions
    surfaces = tmp_path_factory.mktemp("surfaces") / "surfaces.toml"
    surfaces.write_text(SURFACES.format(model=second))
    settings = Settings(
        artifact=folder / first,
        redis=store.url,
        surfaces=surfaces,
        port=0,
        loops=1,
        crew=1,
        fetch_budget_ms=5000,
    )
    with running(settings, QUIET) as service:
        yield service


@pytest.fixture
def client_of(tried: Service) -> Iterator[Client]:
    client = Client(tried.url)
    yield client
    client.close()


def until(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


def exposed(store: Store, surface: str, count: int) -> dict[str, Exposure]:
    """Return a surface's exposures by request id, once so many are in the stream."""

    def found() -> dict[str, Exposure]:
        with redis_of(store.url) as client:
            all_ = stored_exposures(client)
            return {one.request_id: one for one in all_ if one.surface == surface}

    until(lambda: len(found()) >= count)
    return found()


def test_a_b_experiments(client_of: Client, store: Store) -> None:
    experiment = experiment_of("home")
    replies = {user: client_of.recommend(user_id=user).json for user in USERS}
    for user, reply in replies.items():
        arm = assign(experiment, user)
        assert reply["variant"] == arm
        assert len(reply["items"]) == (4 if arm == "short" else 10)
    assert {reply["variant"] for reply in replies.values()} == {"control", "holdout", "short"}
    again = {user: client_of.recommend(user_id=user).json["variant"] for user in USERS[:5]}
    assert again == {user: replies[user]["variant"] for user in USERS[:5]}
    found = exposed(store, "home", len(USERS) + 5)
    for user, reply in replies.items():
        exposure = found[reply["request_id"]]
        assert (exposure.user_id, exposure.experiment) == (user, "home-1")
        assert exposure.variant == reply["variant"]


def test_an_anonymous_session_gets_the_surface_and_is_not_counted(
    client_of: Client, store: Store
) -> None:
    reply = client_of.recommend(session=["i1", "i2"]).json
    assert (reply["variant"], len(reply["items"])) == ("control", 10)
    last = client_of.recommend(user_id=USERS[0]).json
    until(lambda: last["request_id"] in exposed(store, "home", 1))
    assert reply["request_id"] not in exposed(store, "home", 1)


def test_an_interleaved_slate_is_credited_place_by_place(client_of: Client, store: Store) -> None:
    experiment = experiment_of("cart")
    drafted = [user for user in USERS if assign(experiment, user) == "popular"]
    replies = {
        user: client_of.recommend(user_id=user, session=["i3", "i7"], surface="cart").json
        for user in USERS
    }
    found = exposed(store, "cart", len(USERS))
    for user, reply in replies.items():
        exposure = found[reply["request_id"]]
        ids = [item["item_id"] for item in reply["items"]]
        assert len(set(ids)) == len(ids) == 6
        assert reply["variant"] == exposure.variant == assign(experiment, user)
        assert list(exposure.teams) == (ids if user in drafted else [])
    teams = [found[replies[user]["request_id"]].teams for user in drafted]
    assert {team for one in teams for team in one.values()} >= {0, 1}
    assert len({next(iter(one.values())) for one in teams}) == 2  # either begins


def test_shadow_scoring_of_a_challenger(
    client_of: Client, tried: Service, versions: tuple[Path, list[str]]
) -> None:
    def told() -> dict[str, object]:
        answer = client_of.get("/v1/experiments").json
        [item] = [one for one in answer["experiments"] if one["surface"] == "item"]
        shadow: dict[str, object] = item["shadow"]
        return shadow

    until(lambda: bool(told()["ready"]))
    assert told()["model"] == versions[1][1]

    def compared() -> int:
        reply = client_of.post("/v1/similar", {"seed_items": ["i4"], "surface": "item"})
        assert reply.status == 200
        assert reply.json["model_version"] == versions[1][0]
        assert reply.json["variant"] == "control"
        findings = told()["findings"]
        return findings["compared"] if isinstance(findings, dict) else 0

    until(lambda: compared() >= 5)
    findings = told()["findings"]
    assert isinstance(findings, dict)
    assert findings["failed"] == 0, findings["fault"]
    assert 0 <= findings["jaccard"] <= 1
    assert findings["p50_ms"] > 0
    page = client_of.get("/metrics").body.decode()
    labels = f'experiment="item-1",model="{told()["model"]}",outcome="compared",surface="item"'
    assert f"braid_shadow_slates_total{{{labels}}}" in page
    assert 'braid_exposures_total{surface="home",variant="short"}' in page


def experiment_of(name: str) -> Experiment:
    experiment = parse(SURFACES.format(model="any")).by_name[name].experiment
    assert experiment is not None
    return experiment
