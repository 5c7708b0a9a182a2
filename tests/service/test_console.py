"""The console's page and lists over HTTP; tests/console drives it in a browser."""

import re
from pathlib import Path

import pytest

import service.console
from service.console.choices import some_users
from tests.service.conftest import Client

ASSETS = Path(service.console.__file__).parent / "assets"


def test_the_page_and_everything_it_loads_is_served_by_us(api: Client) -> None:
    page = api.get("/")

    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(rb'(?:src|href)="(/console/[^"]+)"', page.body)
    assert loaded
    for path in loaded:
        assert api.get(path.decode()).status == 200, path


def test_every_module_is_served_as_javascript(api: Client) -> None:
    for module in (ASSETS / "js").glob("*.js"):
        reply = api.get(f"/console/assets/js/{module.name}")
        assert reply.status == 200
        assert "javascript" in reply.headers["content-type"], module.name


def test_nothing_is_loaded_from_elsewhere() -> None:
    for asset in ASSETS.rglob("*.*"):
        text = asset.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"(?m)(^|\s)//.*$", "", text), asset.name


def test_the_forms_choices_are_those_of_the_service(api: Client) -> None:
    choices = api.get("/console/choices").json

    assert choices["serving"] in choices["versions"]
    assert {"home", "item", "cart"} <= {one["name"] for one in choices["surfaces"]}
    assert choices["users"], "users with a history are offered"
    slate = api.post("/v1/recommendations", {"user_id": choices["users"][0]}).json
    assert any("because" in item["reason"] for item in slate["items"]), "they have a history"


def test_an_item_is_found_by_a_word_of_its_title_and_by_its_id(api: Client) -> None:
    titles = [one["title"] for one in api.get("/console/items?like=star%20wars").json]
    by_id = api.get("/console/items?like=50").json

    assert "Star Wars (1977)" in titles
    assert by_id[0] == {"item_id": "50", "title": "Star Wars (1977)"}


def test_a_search_for_nothing_is_refused(api: Client) -> None:
    assert api.get("/console/items?like=").status == 400


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "redis+cluster://127.0.0.1:1"])
def test_no_store_is_no_users_to_choose_from(url: str) -> None:
    assert some_users(url) == []
