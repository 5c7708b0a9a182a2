"""The table of faults, for people, and the same as a document."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.machine import describe
from tests.faults.figures import Figure
from tests.faults.length import Length
from tests.faults.verdicts import Verdict


def document(
    rows: Mapping[str, str], verdicts: Sequence[Verdict], length: Length
) -> dict[str, Any]:
    """Return what `results.json` holds: the machine, the length, and each row with its figures."""
    told = []
    for row, fault in rows.items():
        tests = [verdict for verdict in verdicts if verdict.row == row]
        told.append(
            {
                "row": row,
                "fault": fault,
                "pass": bool(tests) and all(test.outcome == "passed" for test in tests),
                "seconds": round(sum(test.seconds for test in tests), 1),
                "tests": [_told(test) for test in tests],
            }
        )
    return {"machine": describe(), "length": length.name, "rows": told}


def _told(verdict: Verdict) -> dict[str, Any]:
    return {
        "fault": verdict.fault,
        "test": verdict.test,
        "outcome": verdict.outcome,
        "seconds": round(verdict.seconds, 1),
        "figures": [asdict(figure) for figure in verdict.figures],
    }


def write(told: dict[str, Any], path: Path) -> None:
    """Write the document."""
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def show(told: dict[str, Any], console: Console) -> None:
    """Print a line for every figure that has a bar, and for every test that has none."""
    table = Table("", "fault", "bar", "figure", "pass", title=f"Faults, length {told['length']}")
    for row in told["rows"]:
        table.add_section()
        if not row["tests"]:
            table.add_row(row["row"], escape(row["fault"]), "", "", "[red]no test")
        for test in row["tests"]:
            _add_test(table, row["row"], test)
    console.print(table)
    passed = sum(row["pass"] for row in told["rows"])
    seconds = sum(row["seconds"] for row in told["rows"])
    console.print(f"{passed} of {len(told['rows'])} rows pass, in {seconds:.0f} s")


def _add_test(table: Table, row: str, test: dict[str, Any]) -> None:
    outcome = "pass" if test["outcome"] == "passed" else f"[red]{test['outcome'].upper()}"
    table.add_row(row, escape(test["fault"]), "", f"{test['seconds']:.1f} s", outcome)
    for measured in test["figures"]:
        figure = Figure(**measured)
        bar = escape(f"{figure.bar} {figure.unit}".rstrip()) if figure.bar else "[dim]noted"
        value = figure.value if not isinstance(figure.value, float) else f"{figure.value:.4g}"
        shown = escape(f"{value} {figure.unit}".rstrip())
        verdict = "" if not figure.bar else "pass" if figure.held else "[red]FAIL"
        table.add_row("", escape(f"  {figure.what}"), bar, shown, verdict)
