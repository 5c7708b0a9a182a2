"""What came of each fault: a plugin that gathers it while pytest runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tests.faults.figures import Figure
from tests.faults.length import LENGTH, Length


@dataclass
class Verdict:
    """One test of one row."""

    row: str
    fault: str
    test: str
    figures: list[Figure] = field(default_factory=list)
    outcome: str = "not run"
    seconds: float = 0.0


class Verdicts:
    """Runs only tests of faults, of some rows or all, and keeps what each measured."""

    def __init__(self, length: Length, wanted: Sequence[str]) -> None:
        self.by_test: dict[str, Verdict] = {}
        self._length = length
        self._wanted = wanted

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[LENGTH] = self._length

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        chosen, others = list[pytest.Item](), list[pytest.Item]()
        for item in items:
            mark = item.get_closest_marker("fault")
            if mark is None or mark.args[0] not in self._wanted:
                others.append(item)
                continue
            row, fault = mark.args
            self.by_test[item.nodeid] = Verdict(row, fault, item.nodeid)
            chosen.append(item)
        items[:] = sorted(chosen, key=lambda item: int(self.by_test[item.nodeid].row[1:]))
        config.hook.pytest_deselected(items=others)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        verdict = self.by_test[report.nodeid]
        verdict.seconds += report.duration
        if report.when == "call" or report.outcome != "passed":
            # What the set-up or the teardown broke is broken.
            if verdict.outcome != "failed":
                verdict.outcome = report.outcome
            for name, value in report.user_properties:
                if name == "figures":
                    verdict.figures = value  # type: ignore[assignment]  # pytest says object
