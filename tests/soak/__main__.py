"""Soak a service: python -m tests.soak [--minutes 60] [--report FILE].

Ends with status 0 where every promise held and memory is flat, else with 1.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from tests.soak.ledger import Ledger
from tests.soak.soak import soak, write
from tests.soak.trouble import Trouble
from tests.soak.vitals import Vitals


def main() -> int:
    """Run, show how it goes, write the report."""
    words = argparse.ArgumentParser(prog="make soak", description=(__doc__ or "").splitlines()[0])
    words.add_argument("--minutes", type=float, default=60.0)
    words.add_argument("--report", type=Path, default=Path(__file__).parent / "results.json")
    told = words.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 110)
    with tempfile.TemporaryDirectory(prefix="braid-soak-") as folder, Live(console=console) as live:

        def tell(gone_s: float, ledger: Ledger, vitals: Vitals, trouble: Trouble) -> None:
            live.update(_so_far(told.minutes, gone_s, ledger, vitals, trouble))

        report = soak(Path(folder), 60 * told.minutes, tell)
    write(report, told.report)
    console.print(_summary(report))
    for kind, examples in report["examples"].items():
        for example in examples:
            console.print(f"[red]{kind}[/]: ", end="")
            console.print(example, markup=False, highlight=False)
    good = not report["violations"]
    console.print("[green]PASS[/]" if good else "[red]FAIL[/]", f"the report is {told.report.name}")
    return 0 if good else 1


def _so_far(
    minutes: float, gone_s: float, ledger: Ledger, vitals: Vitals, trouble: Trouble
) -> Table:
    table = Table.grid(padding=(0, 2))
    last = vitals.samples[-1]
    table.add_row("minutes", f"{gone_s / 60:.1f} of {minutes:g}")
    table.add_row("answers", f"{sum(ledger.answers.values()):,}")
    table.add_row("memory", f"{last.rss_mib:.0f} MiB, {last.threads} threads, {last.files} files")
    table.add_row("trouble", ", ".join(f"{name} {n}" for name, n in trouble.did.items()))
    table.add_row("violations", ", ".join(f"{k}: {n}" for k, n in ledger.violations.items()) or "0")
    return table


def _summary(report: dict[str, Any]) -> Table:
    table = Table(title=f"{report['requests']:,} answers, {report['per_s']} per second")
    table.add_column("what")
    table.add_column("how many", justify="right")
    for name, count in report["answers"].items():
        table.add_row(name, f"{count:,}")
    for name in ("trouble", "memory", "violations"):
        table.add_section()
        for what, count in report[name].items():
            table.add_row(what, str(count))
    return table


if __name__ == "__main__":
    raise SystemExit(main())
