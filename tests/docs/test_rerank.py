"""docs/rerank.md: its settings are settings, its function a re-ranker, its names real."""

import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ranking.rerank import Rules, faults
from ranking.rerank.arrange import MOVES
from ranking.surfaces import parse
from tests.contracts import RerankerContract
from tests.ranking.slates import draw

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rerank.md").read_text()
SETTINGS = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
[FUNCTION] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def module() -> ModuleType:
    made = ModuleType("shop.rerankers")
    exec(compile(FUNCTION, "rerank.md", "exec"), made.__dict__)  # noqa: S102  our own page
    return made


def test_the_page_has_its_blocks() -> None:
    assert len(SETTINGS) == 2


@pytest.mark.parametrize("text", SETTINGS)
def test_the_settings_on_the_page_fill_slates(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.rerankers", module())
    [surface] = parse(text).by_name.values()
    world = draw(0, n=150, n_items=200)
    records = world.snapshot.catalogue.properties
    for record, genre in zip(records, ("Horror", "Comedy") * 100, strict=True):
        record["genre"] = [*record["genre"], genre]
    [rules] = (table["rerank"] for table in tomllib.loads(text)["surfaces"].values())
    compiled_faults = faults(surface.rerank, world.table, world.snapshot.catalogue)
    assert compiled_faults == []
    slate = world.arrange(rules, 100, limit=20)
    assert len(slate.picks) == 20
    assert set(slate.moves) <= set(MOVES)


def test_every_rule_and_every_move_is_on_the_page() -> None:
    for name in Rules.__struct_fields__:
        assert f"`{name}`" in PAGE
    for move in MOVES[1:]:
        assert f"`{move}`" in PAGE


class TestFunction(RerankerContract):
    @staticmethod
    def draw(n: int) -> tuple[list[str], list[float], list[dict[str, Any]]]:
        ids, scores, properties = RerankerContract.draw(n)
        return ids, scores, [{"year": 1950, **record} for record in properties]

    @pytest.fixture
    def rerank(self) -> Any:
        return module().oldest_first
