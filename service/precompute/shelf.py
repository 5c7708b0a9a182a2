"""Slates in Redis, each under one key, as JSON: a shop reads one with one GET."""

from collections.abc import Sequence
from itertools import batched
from typing import Any, Final

import msgspec

from features import keys
from features.client import Client
from service.precompute.job import Job, JobSettings
from service.precompute.recipe import Made

SLATES_PER_ROUND_TRIP: Final = 500


class Shelf:
    """An `Output`; everything in it is gone ``ttl_s`` seconds after it was written last."""

    def __init__(self, client: Client, surface: str, ttl_s: int) -> None:
        self._client = client
        self._surface = surface
        self._ttl_s = ttl_s
        self._encode = msgspec.json.Encoder().encode

    def job(self, settings: JobSettings) -> Job | None:
        """Return the job that was begun here and is not finished.

        Slates of other settings are written over: that is how new ones come.
        """
        told: Any = self._client.get(keys.slates_job(self._surface))
        try:
            job = None if told is None else msgspec.json.decode(told, type=Job)
        except msgspec.DecodeError:
            return None
        return None if job is None or job.settings.against(settings) else job

    def begin(self, job: Job) -> None:
        """Note the job; none of its shards is here."""
        self._client.delete(keys.slates_done(self._surface))
        self._client.set(keys.slates_job(self._surface), self._encode(job), ex=self._ttl_s)

    def done(self) -> set[int]:
        """Return the shards that are here."""
        told: Any = self._client.smembers(keys.slates_done(self._surface))
        return {int(shard) for shard in told}

    def write(self, shard: int, made: Sequence[Made]) -> None:
        """Write slates over those that were here, and then note the shard.

        Raises:
            redis.RedisError: the store refused or is gone; writing again is safe.
        """
        for group in batched(made, SLATES_PER_ROUND_TRIP, strict=False):
            with self._client.pipeline(transaction=False) as pipeline:
                for one in group:
                    name = keys.slate(self._surface, one.user_id)
                    pipeline.set(name, self._encode(one.slate), ex=self._ttl_s)
                pipeline.execute()
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.sadd(keys.slates_done(self._surface), shard)
            for name in (keys.slates_done(self._surface), keys.slates_job(self._surface)):
                pipeline.expire(name, self._ttl_s)
            pipeline.execute()

    def finish(self) -> None:
        """Forget the job, so that the next one makes every slate anew; they stay until then."""
        self._client.delete(keys.slates_done(self._surface), keys.slates_job(self._surface))
