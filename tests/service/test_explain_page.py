"""Every example in docs/explain.md does what the page says it does, and its tables are whole."""

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from service import cli
from service.app import Service
from service.explain.masks import masks_of
from service.http.debug_wire import Attribution, Debug, Fate
from service.http.wire import MOST_WHY_NOT
from service.observe import flight
from service.settings import Settings
from tests.service.conftest import Client

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "explain.md").read_text()
POSTS = re.findall(r"^    POST (\S+)\n    (\{.*\})$", PAGE, re.MULTILINE)
GETS = re.findall(r"^    GET (\S+)$", PAGE, re.MULTILINE)
COMMANDS = re.findall(r"^    braid (.+)$", PAGE, re.MULTILINE)


@pytest.fixture
def recorded(api: Client) -> str:
    """The id of a request that is there to be looked at."""
    answer: dict[str, Any] = api.recommend(user_id="196", limit=10, deadline_ms=10_000).json
    request_id: str = answer["request_id"]
    return request_id


def section(title: str) -> str:
    """Return what stands under a heading, up to the next."""
    [found] = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert isinstance(found, str)
    return found


def first_column(text: str) -> set[str]:
    text = re.sub(r"^\|.*\n(?=\|-)", "", text, flags=re.MULTILINE)  # a table's head
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_the_page_has_its_examples() -> None:
    assert [path for path, _ in POSTS] == ["/v1/recommendations", "/v1/replay"]
    assert len(GETS) == 2
    assert len(COMMANDS) == 3


@pytest.mark.parametrize(("path", "body"), POSTS)
def test_a_request_on_the_page_is_answered(
    api: Client, recorded: str, path: str, body: str
) -> None:
    reply = api.post(path, json.loads(body.replace("ID", recorded)))
    assert reply.status == 200, reply.body


@pytest.mark.parametrize("path", GETS)
def test_a_page_on_the_page_is_there(api: Client, recorded: str, path: str) -> None:
    assert api.get(path.replace("ID", recorded)).status == 200


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_on_the_page_runs(
    service: Service,
    recorded: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    words = shlex.split(command.replace("ID", recorded))
    monkeypatch.setattr(sys, "argv", ["braid", *words, "--url", service.url])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    told = capsys.readouterr().out
    for word in ("context", "rerank", "ms", "score"):
        assert word in told


def test_the_tables_name_every_field_and_nothing_else() -> None:
    debug = section("Why is it so: `debug`")
    assert first_column(debug) == set(Debug.__struct_fields__)
    methods = get_args(Attribution.__annotations__["method"])
    assert first_column(section("Contributions")) == set(methods)
    assert first_column(section("Why not")) == first_column(_cleaned(Fate.__doc__ or ""))
    masks = first_column(_cleaned(masks_of.__doc__ or ""))
    assert masks
    for name in masks:
        assert f"`{name}`" in debug


def test_the_page_has_the_codes_numbers() -> None:
    text = section("What was answered lately: the flight recorder")
    assert f"last {Settings().flight} requests" in text
    assert f"the {flight.SLOW} slowest" in text
    assert f"the last {flight.FAILED} that failed" in text
    assert f"above {flight.LARGEST_BODY // 1024} KiB" in text
    assert re.search(rf"more than\s+{flight.MOST_ITEMS} items", text)
    assert f"(up to {MOST_WHY_NOT} ids)" in PAGE


def _cleaned(docstring: str) -> str:
    return re.sub(r"^ +", "", docstring, flags=re.MULTILINE)
