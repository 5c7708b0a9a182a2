"""Reading a whole stream of the store: for reports and exports, never on a request's way."""

from collections.abc import Iterator
from typing import Final

from features.client import Client

ENTRIES_PER_ROUND_TRIP: Final = 1000


def entries(client: Client, key: str, field: str) -> Iterator[bytes]:
    """Yield one field of each entry of a stream, oldest first; entries without it are passed over.

    Raises:
        redis.RedisError: the store refused or is gone.
    """
    start, name = b"-", field.encode()
    while True:
        found: list[tuple[bytes, dict[bytes, bytes]]] = client.execute_command(  # type: ignore[no-untyped-call]  # redis-py's
            "XRANGE", key, start, "+", "COUNT", ENTRIES_PER_ROUND_TRIP
        )
        yield from (fields[name] for _, fields in found if name in fields)
        if len(found) < ENTRIES_PER_ROUND_TRIP:
            return
        start = b"(" + found[-1][0]  # behind the last one
