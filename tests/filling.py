"""A store filled as the first start of `braid serve` would fill it."""

from pathlib import Path

from ranking.artifact import read_store
from service.load import load
from tests.stores import Store, redis_of


def fill(valkey: Store, artifacts: Path) -> None:
    """Write the rows and histories of the one artifact in that folder."""
    with redis_of(valkey.url) as client:
        folder = next(artifacts.iterdir())
        load(client, read_store(folder), 1000, lambda *_: None)
