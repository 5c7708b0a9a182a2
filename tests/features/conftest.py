"""The store's tests run against Valkey and against Redis; what awaits runs on either loop."""

import shutil
from collections.abc import Iterator

import pytest

from service.embedded import EmbeddedValkey
from tests.features.loops import Loop
from tests.stores import Store, new_store


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Loop:
    return Loop(request.param)


@pytest.fixture(scope="session", params=["valkey", "redis"])
def program(request: pytest.FixtureRequest) -> Iterator[str]:
    """The server program that `EmbeddedValkey` starts while this fixture lives."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "redis":
            found = shutil.which("redis-server")
            if found is None:
                pytest.skip("no redis-server on the PATH")
            patch.setenv("BRAID_VALKEY", found)
        yield request.param


@pytest.fixture(scope="session")
def valkey(program: str) -> Iterator[Store]:
    with new_store() as valkey:
        yield valkey


@pytest.fixture
def frail(program: str) -> Iterator[EmbeddedValkey]:
    """A server of the test's own, to stop, kill and reconfigure."""
    with EmbeddedValkey() as valkey:
        yield valkey
