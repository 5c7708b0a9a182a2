"""docs/tutorial.md, step by step: its bookshop is learnt, served, and scored by its function."""

import csv
import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from service.app import Service
from service.cli import app
from service.running import running
from service.settings import Settings
from tests.docs.blocks import Block, blocks
from tests.service.conftest import QUIET, Client

TUTORIAL = [block for block in blocks() if block.page == "tutorial.md"]
MADE_UP, SCORER = (block for block in TUTORIAL if block.language == "python")
CURLS = [block for block in TUTORIAL if block.text.startswith("curl ")]


def command(name: str, *more: str) -> None:
    """Run a command of the page here."""
    [words] = (shlex.split(b.text)[1:] for b in TUTORIAL if b.text.startswith(f"braid {name} "))
    function, bound, _ = app.parse_args([*words, *more], exit_on_error=False, print_error=False)
    function(*bound.args, **bound.kwargs)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of somebody who has come as far as step 3."""
    folder, back = tmp_path_factory.mktemp("shop"), Path.cwd()
    os.chdir(folder)
    try:
        exec(compile(MADE_UP.text, str(MADE_UP), "exec"), {})  # noqa: S102  our own page
        command("train")
    finally:
        os.chdir(back)
    return folder


def serving(shop: Path, scorer: str | None = None) -> Settings:
    return Settings(artifact=shop / "artifacts", port=0, scorer=scorer, fetch_budget_ms=5000)


def books(shop: Path) -> dict[str, dict[str, str]]:
    with (shop / "items.csv").open(newline="") as file:
        return {row["item_id"]: row for row in csv.DictReader(file)}


def test_the_shop_is_as_large_as_the_page_says(shop: Path) -> None:
    lines = (shop / "interactions.csv").read_text().splitlines()
    readers = {line.partition(",")[0] for line in lines}
    assert (len(books(shop)), len(readers) - 1) == (300, 400)
    [artifact] = (shop / "artifacts").iterdir()
    columns = json.loads((artifact / "manifest.json").read_text())["columns"]["ranker"]
    assert {"item.price", "item.shelf=Poetry", "taste.best"} <= set(columns)


def test_the_slate_on_the_page_is_of_that_shop(shop: Path) -> None:
    [shown] = (json.loads(block.text)["items"] for block in TUTORIAL if block.language == "json")
    there = books(shop)
    for item in shown:
        told = {name: str(value) for name, value in item["properties"].items()}
        assert {"item_id": item["item_id"], **told} == there[item["item_id"]]


def test_every_request_of_the_page_is_answered(shop: Path) -> None:
    with running(serving(shop), QUIET) as service:
        answers = [ask(service, block) for block in CURLS]
        again = ask(service, CURLS[0])
    first, _, stranger = answers
    assert len(first["items"]) == len(stranger["items"]) == 3
    assert all(item["properties"]["price"] < 15 for item in stranger["items"])
    bought = json.loads(body_of(CURLS[1]))["events"][0]["item_id"]
    assert bought not in {item["item_id"] for item in again["items"]}


def body_of(block: Block) -> str:
    words = shlex.split(block.text.replace("\\\n", " "))
    return words[words.index("-d") + 1]


def ask(service: Service, block: Block) -> Any:
    [path] = re.findall(r"localhost:8000(\S+)", block.text)
    client = Client(service.url)
    reply = client.post(path, body_of(block).encode())
    client.close()
    assert reply.status == 200, reply.body
    return reply.json


def test_the_scorer_of_the_page_makes_the_score(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (shop / "my_shop.py").write_text(SCORER.text)
    monkeypatch.syspath_prepend(str(shop))
    monkeypatch.delitem(sys.modules, "my_shop", raising=False)
    [serve] = (b.text for b in TUTORIAL if b.text.startswith("braid serve --scorer "))
    with running(serving(shop, serve.split()[-1]), QUIET) as service:
        command("explain", "--url", service.url)
    printed = capfd.readouterr().out
    assert "taste.best" in printed
    assert "item.price" in printed
    assert "item.year" not in printed
