"""What every room's tests may ask for: a real Valkey, emptied for each test, and a real model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from redis import Redis

from features.address import Address
from tests.filling import fill
from tests.stores import Store, new_store, redis_of
from training.datasets import movielens
from training.train import train

# A slow machine is no failure, and a failing example is printed so that it can be repeated.
settings.register_profile("braid", deadline=None, print_blob=True)
settings.load_profile("braid")


@pytest.fixture(scope="session")
def valkey() -> Iterator[Store]:
    with new_store() as valkey:
        yield valkey


@pytest.fixture
def client(valkey: Store) -> Iterator[Redis]:
    """A plain client of the shared server, empty as the test begins."""
    with redis_of(valkey.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def address(valkey: Store, client: Redis) -> Address:
    return Address.parse(valkey.url)


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one artifact, learnt from the whole of MovieLens 100k."""
    folder = tmp_path_factory.mktemp("artifacts")
    train(movielens.fetch(), folder)
    return folder


@pytest.fixture(scope="session")
def filled(artifacts: Path) -> Iterator[Store]:
    """A Valkey with the artifact's rows and histories; users 1-943 belong to the data set."""
    with new_store() as valkey:
        fill(valkey, artifacts)
        yield valkey
