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

TESTS: Final[Mapping[str, str]] = {}
"""Single tests, and what about one server they are about."""

stores.Choice.make = lambda: LocalCluster(3, replicas=1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is about one server."""
    for item in items:
        name = getattr(item, "originalname", item.name)
        if name in TESTS:
            item.add_marker(pytest.mark.skip(reason=f"on a cluster: {TESTS[name]}"))
