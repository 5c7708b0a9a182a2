"""A plugin of pytest's: the suite on a cluster of six nodes, and which tests that is nothing for.

`make test-cluster` runs the suite with it: every store that a fixture or a test asks `new_store`
for is three masters with a replica each. Tests of one server start that server themselves, here as
everywhere.
"""

from collections.abc import Mapping
from typing import Final

import pytest

from tests import stores
from tests.features.cluster import LocalCluster
from tests.features.dropped import UNCLOSED

BETWEEN: Final = "the fault proxy stands in front of one server"
TESTS: Final[Mapping[str, str]] = {
    "test_the_database_of_the_url_is_the_one_that_is_read": "a cluster has database 0 alone",
    "test_a_late_reply_never_brings_an_old_row_back": BETWEEN,
    "test_while_rows_change_10000_times_a_second_every_row_read_is_whole_and_in_time": (
        "its writers are connections to one server"
    ),
    "test_a_row_that_anybody_changes_is_forgotten_and_its_neighbours_are_not[rename]": (
        "a key is not renamed into another slot"
    ),
}
"""Single tests, and what about one server they are about."""

stores.Choice.make = lambda: LocalCluster(3, replicas=1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is about one server."""
    for item in items:
        name = getattr(item, "originalname", item.name)
        case = f"{name}[{item.name.rpartition('-')[2]}"
        if reason := TESTS.get(name) or TESTS.get(case):
            item.add_marker(pytest.mark.skip(reason=f"on a cluster: {reason}"))
        item.add_marker(UNCLOSED)
