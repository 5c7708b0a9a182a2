"""A process that appends batches of events, until its end or until it is killed."""

import asyncio
import sys
from pathlib import Path

import msgspec

from features.address import Address
from features.errors import StoreUnavailable
from features.events import Event
from features.store import FeatureStore


async def write(url: str, batches: list[list[Event]], first: int) -> None:
    """Append the batches from ``first`` on; print the number of each that was confirmed."""
    store = FeatureStore(Address.parse(url), 5.0, 1000)
    await store.open()
    for number, batch in enumerate(batches[first:], first):
        while True:
            try:
                await store.append_events(batch)
                break
            except StoreUnavailable:
                await asyncio.sleep(0.01)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    await store.close()


if __name__ == "__main__":
    url, path, first = sys.argv[1:]
    told = msgspec.json.decode(Path(path).read_bytes(), type=list[list[Event]])
    asyncio.run(write(url, told, int(first)))
