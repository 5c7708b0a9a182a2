"""docs/features.md: every row has a test that is there, and a page that is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "features.md"
ROWS = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]


def functions_of(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_the_table_has_every_row_from_sources_to_offline_metrics() -> None:
    assert len(ROWS) == 34


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_a_row_names_tests_and_pages_that_are_there(row: str) -> None:
    _, _, tests, pages, _ = row.split(" | ".strip())
    named = re.findall(r"`(tests/[^:`]+)::(test_\w+)`", tests)
    assert named
    for path, name in named:
        assert name in functions_of(ROOT / path), name
    linked = re.findall(r"\]\(([^)]+)\)", pages)
    assert linked
    for page in linked:
        assert (PAGE.parent / page).exists(), page
