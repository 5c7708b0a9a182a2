"""A store filled as the first start of `braid serve` would fill it."""

from pathlib import Path

from redis import Redis

from ranking.artifact import read_store
from service.embedded import EmbeddedValkey
from service.load import load


def fill(valkey: EmbeddedValkey, artifacts: Path) -> None:
    """Write the rows and histories of the one artifact in that folder."""
    with Redis.from_url(valkey.url) as client:
        folder = next(artifacts.iterdir())
        load(client, read_store(folder), 1000, lambda *_: None)
