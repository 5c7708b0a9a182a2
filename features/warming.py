"""Reading rows before anybody asks for them."""

import asyncio
import math
from time import monotonic

from features.near_cache import NearCache
from features.store import FeatureStore
from features.types import Items

ROWS_PER_READ = 500
# The store spends at most a fifth of its time on us: it may have others starting beside us.
PAUSES_PER_READ = 4


async def warm(cache: NearCache, order: Items, store: FeatureStore) -> None:
    """Fill the cache with as many rows as it holds, in the order given, int64[n].

    Raises:
        StoreUnavailable: the store stopped to answer; what was read stays.
    """
    for start in range(0, min(cache.slots, len(order)), ROWS_PER_READ):
        began = monotonic()
        items = order[start : start + ROWS_PER_READ]
        found = cache.gather(items)
        if found.ticket is None:
            return
        if len(found.missed):
            wanted = items[found.missed]
            rows, present = await store.read_items(cache.table, wanted, math.inf)
            cache.fill(found.ticket, wanted, rows, present)
            await asyncio.sleep(PAUSES_PER_READ * (monotonic() - began))
