"""docs/reference/ says what the code says."""

import re
from pathlib import Path

import pytest

from service.app import Service
from tests.docs import reference
from tests.service.test_runbooks import STAGES, reasons

HOW = "the page is stale: run `python -m tests.docs.reference`"


@pytest.mark.parametrize("name", ["settings.md", "metrics.md", "problems.md", "api.md"])
def test_a_written_page_is_as_it_would_be_written(name: str, service: Service) -> None:
    assert (reference.FOLDER / name).read_text() == reference.pages(service)[name], HOW


def test_the_page_of_degraded_has_every_reason_and_no_other() -> None:
    text = (reference.FOLDER / "degraded.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", text, re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(reasons())
    for _, stages in rows:
        assert stages == "any" or set(stages.split(", ")) <= set(STAGES)


def test_every_written_page_says_that_it_is() -> None:
    written = [path.name for path in reference.FOLDER.glob("*.md") if told(path)]
    assert sorted(written) == ["api.md", "metrics.md", "problems.md", "settings.md"]


def told(path: Path) -> bool:
    return reference.WRITTEN in path.read_text()
