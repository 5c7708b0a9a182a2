"""The harness itself: a broken bar fails its test, and a row without a test fails the run."""

import ast
import math
from pathlib import Path

import pytest

from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.report import document
from tests.faults.rows import rows
from tests.faults.verdicts import Verdict


def test_a_figure_within_its_bar_is_noted() -> None:
    figures = Figures()
    figures.hold("goodput", 0.97, at_least=0.95)
    figures.note("peak", 812, unit="req/s")
    assert [(figure.what, figure.bar, figure.held) for figure in figures.measured] == [
        ("goodput", ">= 0.95", True),
        ("peak", "", True),
    ]


@pytest.mark.parametrize("value", [0.94, math.nan, -math.inf])
def test_a_broken_bar_fails_and_is_noted_all_the_same(value: float) -> None:
    figures = Figures()
    with pytest.raises(AssertionError, match="goodput"):
        figures.hold("goodput", value, at_least=0.95)
    assert not figures.measured[0].held


def test_a_bar_may_have_two_ends() -> None:
    with pytest.raises(AssertionError, match=">= 1, <= 2"):
        Figures().hold("ratio", 2.1, at_least=1, at_most=2)


def test_a_figure_that_is_held_to_nothing_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="hold it to what"):
        Figures().hold("ratio", 1)


def test_a_length_picks() -> None:
    assert Length("ci").pick(short=1, ci=2, full=3) == 2
    assert Length().pick(short=1, ci=2, full=3) == 1


def test_the_page_has_all_twenty_rows() -> None:
    assert list(rows()) == [f"R{number}" for number in range(1, 21)]


def test_a_row_without_a_test_does_not_pass() -> None:
    found = document({"R1": "absent", "R2": "killed"}, [_verdict("R1", "passed")], Length())
    assert [row["pass"] for row in found["rows"]] == [True, False]


@pytest.mark.parametrize("outcome", ["failed", "skipped", "not run"])
def test_a_row_passes_only_when_all_its_tests_did(outcome: str) -> None:
    verdicts = [_verdict("R1", "passed"), _verdict("R1", outcome)]
    assert not document({"R1": "absent"}, verdicts, Length())["rows"][0]["pass"]


def _verdict(row: str, outcome: str) -> Verdict:
    return Verdict(row, "a fault", "a test", outcome=outcome)


def marked() -> set[str]:
    """Return the rows that some test beside this one is marked with."""
    found = set[str]()
    for path in Path(__file__).parent.glob("test_r*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault":
                row, what = (ast.literal_eval(argument) for argument in node.args)
                assert what, f"{path.name}: a mark says what is injected"
                assert path.name.startswith(f"test_r{int(row[1:]):02}_"), f"{path.name} has {row}"
                found.add(row)
    return found


@pytest.mark.parametrize("row", rows())
def test_every_row_of_the_page_has_a_test(row: str) -> None:
    assert row in marked()


def test_every_mark_is_a_row_of_the_page() -> None:
    assert marked() <= set(rows())
