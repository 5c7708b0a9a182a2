"""The service's streams, written as it writes them."""

import msgspec
from redis import Redis

from features import keys
from features.events import Event, Recorded
from features.served_features import RECORD, ServedFeatures, encode


def log_features(client: Redis, *served: ServedFeatures) -> None:
    for one in served:
        client.xadd(keys.SERVED_FEATURES, {RECORD: encode(one)})


def log_event(client: Redis, event: Event) -> None:
    told = msgspec.json.encode(Recorded(event, 5))
    fields = {"number": 1, "arrived_us": 1_700_000_000_000_000, "event": told}
    client.xadd(keys.events(keys.partition(event.user_id)), fields)  # type: ignore[arg-type]
