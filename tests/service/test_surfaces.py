"""Surfaces over HTTP: named by each request, read anew when their file changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.app import Service
from service.errors import SettingInvalid
from service.running import running
from service.settings import Settings
from service.surfaces.file import SurfaceFile, load
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client
from tests.stores import Store

OWN = """\
[surfaces.home]
limit = 7
deadline_ms = 9000

[surfaces.home.sources]
popularity.quota = 50

[surfaces.home.reasons]
popularity = "everybody likes {title}"

[surfaces.old]
deadline_ms = 9000

[surfaces.old.sources]
vector.quota = 100

[surfaces.old.filters]
rule = "year < 1980"
"""


@dataclass
class Own:
    service: Service
    file: Path
    client: Client

    def write(self, text: str) -> None:
        self.file.write_text(text)


@pytest.fixture(scope="module")
def running_service(
    artifacts: Path, filled: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Path]]:
    file = tmp_path_factory.mktemp("surfaces") / "surfaces.toml"
    file.write_text(OWN)
    settings = Settings(
        artifact=artifacts, redis=filled.url, port=0, fetch_budget_ms=5000, surfaces=file
    )
    with running(settings, QUIET) as service:
        yield service, file


@pytest.fixture
def own(running_service: tuple[Service, Path]) -> Iterator[Own]:
    service, file = running_service
    client = Client(service.url)
    yield Own(service, file, client)
    client.close()
    if file.read_text() != OWN:
        before = service.surfaces.read()
        file.write_text(OWN)
        until(lambda: service.surfaces.read() is not before, 10)


def test_a_surface_decides_what_the_request_leaves_open(own: Own) -> None:
    home = own.client.recommend(user_id="196").json
    assert (home["surface"], home["variant"], len(home["items"])) == ("home", "control", 7)
    assert {item["source"] for item in home["items"]} == {"popularity"}
    first = home["items"][0]
    assert first["reason"] == f"everybody likes {first['properties']['title']}"


def test_what_the_request_says_goes_before_the_surface(own: Own) -> None:
    assert len(own.client.recommend(user_id="196", limit=3).json["items"]) == 3


def test_the_rule_of_a_surface_holds_beside_the_filter_of_the_request(own: Own) -> None:
    ruled = own.client.recommend(user_id="196", surface="old").json["items"]
    assert ruled
    assert all(item["properties"]["year"] < 1980 for item in ruled)
    both = own.client.recommend(user_id="196", surface="old", filter="year >= 1970").json["items"]
    assert both
    assert all(1970 <= item["properties"]["year"] < 1980 for item in both)


def test_a_batch_may_ask_for_several_surfaces(own: Own) -> None:
    queries = [{"user_id": "196", "surface": name} for name in ("home", "old", "cart")]
    slates = own.client.post("/v1/recommendations/batch", {"queries": queries}).json["slates"]
    assert [slate["surface"] for slate in slates] == ["home", "old", "cart"]
    assert [len(slate["items"]) for slate in slates] == [7, 20, 20]


def test_an_unknown_surface_is_told_with_those_there_are(own: Own) -> None:
    reply = own.client.post("/v1/recommendations", {"user_id": "1", "surface": "hom"})
    assert (reply.status, reply.json["path"]) == (404, "$.surface")
    assert reply.json["type"].endswith("unknown-surface")
    assert "home, item, old, search" in reply.json["detail"]
    queries = [{"user_id": "1"}, {"user_id": "1", "surface": "hom"}]
    reply = own.client.post("/v1/recommendations/batch", {"queries": queries})
    assert (reply.status, reply.json["path"]) == (404, "$.queries[1].surface")


def test_a_changed_file_is_served_without_a_restart(own: Own) -> None:
    own.write(OWN.replace("limit = 7", "limit = 4"))
    until(lambda: len(own.client.recommend(user_id="196").json["items"]) == 4, 10)


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("limit = 7", "limit = 0", "line 2: surfaces.home.limit"),
        ("year < 1980", "yaer < 1980", "yaer"),
        ("popularity.quota", "popularty.quota", "popularty"),
        ("{title}", "{tilte}", "tilte"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(
    own: Own, was: str, becomes: str, told: str
) -> None:
    before = own.service.surfaces.read()
    own.write(OWN.replace(was, becomes))
    until(lambda: own.service.surfaces.fault is not None, 10)
    assert told in str(own.service.surfaces.fault)
    assert own.service.surfaces.read() is before
    assert len(own.client.recommend(user_id="196").json["items"]) == 7


def test_a_file_that_cannot_be_used_at_start_names_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "surfaces.toml"
    file.write_text("[surfaces.home]\nlimit = 0\n")
    with pytest.raises(SettingInvalid, match=r"--surfaces=.*: line 2: surfaces\.home\.limit"):
        SurfaceFile(file)
    with pytest.raises(SettingInvalid, match="cannot be read"):
        SurfaceFile(tmp_path / "nowhere.toml")


def test_the_surfaces_of_braids_own_stay_beside_those_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "surfaces.toml"
    file.write_text("[surfaces.cart]\nlimit = 3\n[surfaces.mine]\n")
    surfaces = load(file).by_name
    assert set(surfaces) == {*load(None).by_name, "mine"}
    assert (surfaces["cart"].limit, surfaces["home"].limit) == (3, 20)
