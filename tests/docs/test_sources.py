"""What docs/sources.md shows can be used as it stands."""

import re
import tomllib
from pathlib import Path
from types import ModuleType

import msgspec

from ranking.retrieval import DEFAULT, SOURCES, Call, SourceSettings
from ranking.retrieval.own import OwnSource
from ranking.retrieval.trial import trial
from ranking.surfaces import parse
from tests.ranking.snapshots import context, snapshot

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sources.md").read_text()
[SETTINGS] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
[CODE] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_s_surface_can_be_read() -> None:
    sources = parse(SETTINGS).by_name["home"].sources
    assert set(tomllib.loads(SETTINGS)["surfaces"]["home"]["sources"]) == set(sources)
    assert {name for name in sources if name not in SOURCES} == {"staff", "seasonal"}


def test_the_page_tells_of_every_source_and_every_setting() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    settings = [field.name for field in msgspec.structs.fields(SourceSettings)]
    assert set(rows) == set(SOURCES) | set(settings)
    for name, default in DEFAULT.items():
        assert f"`{name}` {default.quota}" in PAGE


def test_the_page_s_source_keeps_the_contract() -> None:
    module = ModuleType("own")
    exec(compile(CODE, "sources.md", "exec"), module.__dict__)  # noqa: S102  our own page
    columns = ("year", "genre=Drama", "genre=b", "genre=c")
    made = snapshot(500).changed(item_columns=columns)
    call = Call("own", OwnSource("own", module.seasonal), 20, None, spreads=False, aside=True)
    assert not trial(call, made, [context(3, 8), context()])
