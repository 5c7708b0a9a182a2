"""The runbooks name what there is, and all of it that an operator is told by a service."""

import ast
import re
from pathlib import Path

import pytest

from service.http import problems
from tests.service.conftest import Client

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "runbooks"
PAGES = {page.stem: page.read_text() for page in sorted(FOLDER.glob("*.md"))}
TEXT = "\n".join(PAGES.values())
SOURCE = "\n".join(
    path.read_text()
    for room in ("service", "features")
    for path in (ROOT / room).rglob("*.py")
    if path.parent.name != "explain"  # a replay has reasons of its own, which no request has
)
STAGES = ("context", "retrieve", "features", "score", "rerank")
# A stage degrades for a word, with what it is about behind a colon; or for a constant that its
# docstring calls a reason; or for what the store's fault says.
REASONS = (
    r'degrade\("\w+", f?"([a-z_]+)',
    r': Final = "([a-z_]+)"\n"""The reason in `degraded`',
    r'StoreUnavailable\("([a-z_]+)"',
    r'"(store_[a-z_]+)"',
)


def reasons() -> set[str]:
    return {found for pattern in REASONS for found in re.findall(pattern, SOURCE)}


def quoted() -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", TEXT))


def test_the_reasons_are_found() -> None:
    assert {"store_down", "store_refused", "deadline", "source_late", "overload"} <= reasons()


@pytest.mark.parametrize("reason", sorted(reasons()))
def test_every_reason_of_degraded_is_in_a_runbook(reason: str) -> None:
    assert any(name.partition(":")[0] == reason for name in quoted())


def test_every_reason_that_a_runbook_names_is_one() -> None:
    known = reasons()
    named = {name.partition(":")[0] for name in quoted()}
    shaped = {name for name in named if re.fullmatch(r"(store|source|scorer)_[a-z_]+", name)}
    assert shaped - known == set()


def test_every_metric_that_a_runbook_names_is_on_the_page(api: Client) -> None:
    page = api.get("/metrics").body.decode()
    there = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))
    named = {name.partition("{")[0] for name in quoted() if name.startswith("braid_")}
    assert named
    assert named - there == set()


def test_every_route_that_a_runbook_names_is_served(api: Client) -> None:
    for path in sorted(set(re.findall(r"`(?:GET )?(/[a-z/]+)`", TEXT))):
        assert api.get(path).status < 400, path


def test_every_problem_that_a_runbook_names_is_one() -> None:
    tree = ast.parse(Path(problems.__file__).read_text())
    known = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    named = set(re.findall(r"\b[45]\d\d `([a-z-]+)`", TEXT))
    assert named
    assert named - known == set()


def test_every_flag_that_a_runbook_names_is_one() -> None:
    named = set(re.findall(r"--([a-z-]+)", TEXT)) - {""}
    ours = f"{SOURCE}\n" + "\n".join(
        (ROOT / "tests" / "faults" / name).read_text() for name in ("proxy.py", "toxics.py")
    )
    unknown = [flag for flag in named if not re.search(rf"\b{flag.replace('-', '_')}\b", ours)]
    assert unknown == []


def test_every_line_of_the_log_that_a_runbook_quotes_is_logged() -> None:
    code = "".join(SOURCE.split()).replace('""', "")
    for line in (name for name in quoted() if "…" in name and "braid " not in name):
        words = [part.strip(" :") for part in line.split("…")]
        for part in (part for part in words if len(part) > 7 and not part.startswith("source_")):
            assert "".join(part.split()) in code, f"{line!r}: {part!r} is in no log line"


def test_the_index_leads_to_every_page_and_no_link_is_dead() -> None:
    for name in PAGES:
        assert name == "README" or f"({name}.md)" in PAGES["README"]
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (FOLDER / target).exists(), target


def test_every_row_of_the_faults_is_in_a_runbook_or_none_of_an_operators() -> None:
    named = {int(number) for number in re.findall(r"\bR(\d+)\b", TEXT)}
    # Cancelled requests, odd numbers, odd rows, and threads: nothing that anybody has to do.
    assert set(range(1, 21)) - named <= {5, 12, 13, 18}
