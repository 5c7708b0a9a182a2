"""What every fault test may ask for: how long to go on, and where to note what it measured."""

import pytest

from tests.faults.figures import Figures
from tests.faults.length import LENGTH, Length


@pytest.fixture
def length(pytestconfig: pytest.Config) -> Length:
    return pytestconfig.stash.get(LENGTH, Length())


@pytest.fixture
def figures(request: pytest.FixtureRequest, length: Length) -> Figures:
    """The figures of this test, which the report that is written at the end picks up."""
    figures = Figures(hold_times=length.name != "short")
    request.node.user_properties.append(("figures", figures.measured))
    return figures
