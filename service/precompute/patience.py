"""Waiting for a feature store that is away for a moment: slates that nobody waits for may."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from features.errors import StoreUnavailable

PATIENCE_S: Final = 60.0
PAUSE_S: Final = 0.2


async def patiently[T](ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again and again until there is an answer, for a minute at most.

    Raises:
        StoreUnavailable: there was none.
    """
    until = monotonic() + PATIENCE_S
    while True:
        try:
            return await ask()
        except StoreUnavailable:
            if monotonic() > until:
                raise
        await asyncio.sleep(PAUSE_S)
