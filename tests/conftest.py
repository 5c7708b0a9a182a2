"""What every room's tests may ask for: a real Valkey, started once, and emptied for each test."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from redis import Redis

from features.address import Address
from service.embedded import EmbeddedValkey

# A slow machine is no failure, and a failing example is printed so that it can be repeated.
settings.register_profile("braid", deadline=None, print_blob=True)
settings.load_profile("braid")


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey() as valkey:
        yield valkey


@pytest.fixture
def client(valkey: EmbeddedValkey) -> Iterator[Redis]:
    """A plain client of the shared server, empty as the test begins."""
    with Redis.from_url(valkey.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def address(valkey: EmbeddedValkey, client: Redis) -> Address:
    return Address.parse(valkey.url)
