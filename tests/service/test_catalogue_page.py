"""What docs/catalogue.md shows is what a service answers, and its numbers are the code's."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ranking.extend import LONGEST_TAIL
from ranking.snapshot import SKETCH_FROM
from service.catalogue.check import DEEPEST, LARGEST_PROPERTIES_BYTES, MOST_PROPERTIES
from service.catalogue.follower import LOOK_EVERY_S
from service.http.catalogue_wire import MOST_PUT
from service.http.contract import CATALOGUE, Operation
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET, Client, fill
from tests.stores import new_store

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "catalogue.md").read_text()
EXCHANGE = re.compile(r"```http\n(\w+) (\S+)\n(.*?)\n\n(\d+)\n(.*?)\n```", re.DOTALL)


@pytest.fixture(scope="module")
def client(artifacts: Path) -> Iterator[Client]:
    with new_store() as valkey:
        fill(valkey, artifacts)
        settings = Settings(artifact=artifacts, redis=valkey.url, port=0, fetch_budget_ms=5000)
        with running(settings, QUIET) as service:
            client = Client(service.url)
            yield client
            client.close()


def test_each_request_on_the_page_is_answered_as_it_says(client: Client) -> None:
    exchanges = EXCHANGE.findall(TEXT)
    assert len(exchanges) == TEXT.count("```http") == 5
    for method, path, body, status, answer in exchanges:
        reply = client.send(method, path, json.loads(body))
        assert reply.status == int(status), reply.body
        for name, value in json.loads(answer).items():
            told = reply.json[name]
            assert told.startswith(value) if name == "detail" else told == value, (path, name)


@pytest.mark.parametrize("operation", CATALOGUE, ids=lambda one: f"{one.method} {one.path}")
def test_each_example_of_the_contract_is_answered_by_the_demo_s_model(
    client: Client, operation: Operation[Any]
) -> None:
    reply = client.send(operation.method, operation.path, operation.example)
    assert reply.status == 200, reply.body


@pytest.mark.parametrize(
    "claim",
    [
        f"up to {MOST_PUT} of them",
        f"At most {MOST_PROPERTIES} properties an item, in {LARGEST_PROPERTIES_BYTES} bytes",
        f"nested {DEEPEST} deep",
        {0.5: "it looks every half second"}[LOOK_EVERY_S],
        f"From {SKETCH_FROM:,} items on, each {LONGEST_TAIL} new ones",
    ],
)
def test_its_numbers_are_those_of_the_code(claim: str) -> None:
    assert claim in TEXT.replace("\n", " ")
