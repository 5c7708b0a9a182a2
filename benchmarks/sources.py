"""One request over feature sources, by each kind of concurrency: the work of `parallelism`."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial

type Features = list[float]


def prepare(source: int, rounds: int) -> Features:
    """Compute one source's features: a plain Python loop over a history of ``rounds`` events."""
    clicks, decayed, best = 0, 0.0, 0.0
    state = source + 1
    for _ in range(rounds):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        price = (state >> 8) / 65536.0
        clicks += state & 1
        decayed = 0.999 * decayed + price
        best = max(best, price)
    return [clicks / (rounds or 1), decayed, best]


def fetch_and_prepare(source: int, wait_s: float, rounds: int) -> Features:
    """Wait for a source as a blocking client does, then prepare its features."""
    if wait_s:
        time.sleep(wait_s)
    return prepare(source, rounds)


def score(features: Sequence[Features]) -> float:
    """Reduce all sources' features to one score."""
    return sum(
        weight * value
        for row in features
        for weight, value in zip((1.0, 0.01, 0.1), row, strict=True)
    )


def serial(sources: int, wait_s: float, rounds: int) -> float:
    """One after the other."""
    return score([fetch_and_prepare(source, wait_s, rounds) for source in range(sources)])


def concurrent(sources: int, wait_s: float, rounds: int) -> float:
    """Wait for all at once in an event loop; the computing is still one after the other."""

    async def one(source: int) -> Features:
        if wait_s:
            await asyncio.sleep(wait_s)
        return prepare(source, rounds)

    async def every() -> list[Features]:
        return await asyncio.gather(*(one(source) for source in range(sources)))

    return score(asyncio.run(every()))


def pooled(executor: Executor, sources: int, wait_s: float, rounds: int) -> float:
    """One task for each source, in threads or processes."""
    work = partial(fetch_and_prepare, wait_s=wait_s, rounds=rounds)
    return score(list(executor.map(work, range(sources))))
