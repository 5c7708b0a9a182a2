"""A plugin of pytest's: the suite on a cluster of six nodes, and which tests that is nothing for.

`make test-cluster` runs the suite with it: every store that a fixture or a test asks `new_store`
for is three masters with a replica each. Tests of one server start that server themselves, here as
everywhere.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import pytest

from tests import stores
from tests.features.cluster import LocalCluster
from tests.features.dropped import UNCLOSED

ONE_SERVER: Final = "on a cluster: "
COUNTED: Final = "it counts the commands that one server gets"
PID: Final = "the store's one process goes before all others"
BETWEEN: Final = "the fault proxy stands in front of one server"
TESTS: Final[Mapping[str, str]] = {
    "test_the_database_of_the_url_is_the_one_that_is_read": "a cluster has database 0 alone",
    "test_a_late_reply_never_brings_an_old_row_back": BETWEEN,
    "test_while_rows_change_10000_times_a_second_every_row_read_is_whole_and_in_time": (
        "its writers are connections to one server"
    ),
    "test_online_feature_store_on_redis_is_asked_in_one_batched_read_per_request": COUNTED,
    "test_a_batch_takes_one_trip_for_all_users_and_one_for_all_items": COUNTED,
    "test_one_turn_of_the_loop_is_one_write": COUNTED,
    "test_goodput_stays_near_its_peak": PID,
    "test_after_it_all_is_as_before_within_a_second": PID,
    "test_a_bad_line_gives_no_wrong_row_and_nobody_waits_longer_than_the_budget": BETWEEN,
    "test_an_interrupted_connection_is_never_used_again": BETWEEN,
    "test_a_row_that_anybody_changes_is_forgotten_and_its_neighbours_are_not[rename]": (
        "a key is not renamed into another slot"
    ),
}
"""Single tests, and what about one server they are about."""

LIVELY_MS: Final = 15_000
"""The server's own default: nobody is taken for gone because the machine is busy."""

stores.Choice.make = lambda: LocalCluster(3, replicas=1, gone_after_ms=LIVELY_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is about one server."""
    for item in items:
        name = getattr(item, "originalname", item.name)
        case = f"{name}[{item.name.rpartition('-')[2]}"
        if reason := TESTS.get(name) or TESTS.get(case):
            item.add_marker(pytest.mark.skip(reason=f"{ONE_SERVER}{reason}"))
        item.add_marker(UNCLOSED)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were left out for what about one server."""
    skipped = terminalreporter.stats.get("skipped", [])
    told = [str(report.longrepr[2]) for report in skipped if isinstance(report.longrepr, tuple)]
    reasons = Counter(words.partition(ONE_SERVER)[2] for words in told if ONE_SERVER in words)
    terminalreporter.section("six nodes")
    terminalreporter.line(f"{reasons.total()} tests of one server left out:")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"  {count}  {reason}")
