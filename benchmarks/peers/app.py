"""FastAPI, pydantic, redis-py with hiredis, LightGBM: the service most teams write.

Three ways to run it, which the environment chooses: in the event loop (W1_POOL=0), in a pool of
processes (W1_POOL=2), and with several uvicorn workers, which is uvicorn's own flag.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import FastAPI  # type: ignore[import-not-found]  # only in .venv-bench
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field  # type: ignore[import-not-found]  # the same
from redis.asyncio import Redis

from benchmarks.peers.ranking import Ranker

FOLDER = Path(os.environ["W1_FOLDER"])
REDIS = os.environ["W1_REDIS"]
THREADS = int(os.environ.get("W1_THREADS", "1"))
POOL = int(os.environ.get("W1_POOL", "0"))
WIDTH = 64
DEFAULT_ROW = bytes(4 * WIDTH)

Id = Annotated[str, Field(min_length=1, max_length=128)]


class RankRequest(BaseModel):  # type: ignore[misc]  # Any, to mypy
    """The body that Braid's `/v1/rank` takes, as far as this work needs it."""

    model_config = ConfigDict(extra="forbid")

    candidates: Annotated[list[Id], Field(min_length=1, max_length=5000)]
    limit: Annotated[int, Field(ge=1, le=200)] = 20
    diversity: Annotated[float, Field(ge=0, le=1)] = 0.3
    deadline_ms: Annotated[float, Field(gt=0, le=10_000)] = 50.0


class Ranked(BaseModel):  # type: ignore[misc]  # Any, to mypy
    """One place of the slate."""

    item_id: str
    score: float


class Slate(BaseModel):  # type: ignore[misc]  # Any, to mypy
    """The answer."""

    items: list[Ranked]


class _InPool:
    """What a process of the pool holds: its own copy of the model."""

    ranker: Ranker


def _load() -> None:
    _InPool.ranker = Ranker(FOLDER, 1)


def _score(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return _InPool.ranker.score(rows)


def create() -> FastAPI:
    """Make the app, with the model in memory before the first request."""
    ranker = Ranker(FOLDER, THREADS)
    client = Redis.from_url(REDIS)
    pool = ProcessPoolExecutor(POOL, initializer=_load) if POOL else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await client.aclose()
        if pool is not None:
            pool.shutdown()

    app = FastAPI(lifespan=lifespan)

    async def score(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        if pool is None:
            return ranker.score(rows)
        run = asyncio.get_running_loop().run_in_executor
        parts = [run(pool, _score, part) for part in np.array_split(rows, POOL)]
        return np.concatenate(await asyncio.gather(*parts))

    @app.post("/v1/rank")
    async def rank(wanted: RankRequest) -> Slate:
        ids = wanted.candidates
        values: list[bytes | None] = await client.mget([f"feature:{item}" for item in ids])  # type: ignore[assignment]  # no decode_responses here
        blob = b"".join([value or DEFAULT_ROW for value in values])
        rows = np.frombuffer(blob, np.float32).reshape(len(ids), WIDTH)
        scores = await score(rows)
        picks = ranker.rerank(scores, ids, wanted.limit, wanted.diversity).tolist()
        chosen = scores[picks].tolist()
        return Slate(
            items=[
                Ranked(item_id=ids[pick], score=value)
                for pick, value in zip(picks, chosen, strict=True)
            ]
        )

    return app
