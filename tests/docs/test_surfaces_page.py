"""docs/surfaces.md: its file is one, and its table has every setting."""

import re
from pathlib import Path

import msgspec

from ranking.surfaces import Surface, parse

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "surfaces.md").read_text()


def test_the_example_is_a_file_of_surfaces() -> None:
    [text] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    surfaces = parse(text).by_name
    assert set(surfaces) == {"home", "item"}
    assert surfaces["home"].scoring.objectives == {"model": 1.0, "trend": 0.1}


def test_the_table_has_every_setting() -> None:
    table = PAGE.partition("## What a table may say")[2].partition("## Reasons")[0]
    told = set(re.findall(r"`(\w+)[`.]", table))
    assert {field.name for field in msgspec.structs.fields(Surface)} - told == set()
