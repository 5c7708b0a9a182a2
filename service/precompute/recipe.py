"""One user's slate, from memory alone: what every thread, process and machine of a job runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from features.codec import fingerprints
from features.types import Query
from features.user_reader import UserRecord
from ranking.surfaces import Surfaces
from service.experiments.choose import choose
from service.from_memory import answer_from_memory
from service.http.answers import slate_answer
from service.http.wire import SlateAnswer
from service.observe.spans import Trace
from service.precompute.job import Job
from service.state import Serving

SEEDS = 2**53
"""All the seeds that a client can ask for, see `service.http.wire`."""


@dataclass(frozen=True, slots=True)
class Made:
    """A user's slate, and the seed that `POST /v1/recommendations` gives the same one for."""

    user_id: str
    seed: int
    slate: SlateAnswer


@dataclass(frozen=True, slots=True)
class Recipe:
    """Makes the slates of one job; any thread may."""

    job: Job
    digest: str
    serving: Serving
    surfaces: Surfaces

    @classmethod
    def of(cls, job: Job, serving: Serving, surfaces: Surfaces) -> Recipe:
        """Bring the model to the job's moment."""
        live = None if job.live is None else job.live.live(serving.snapshot.catalogue)
        return cls(job, job.digest(), replace(serving, live=live), surfaces)

    def __call__(self, user_ids: Sequence[str], users: Sequence[UserRecord | None]) -> list[Made]:
        """Return every user's slate; None is a stranger.

        Raises:
            Exception: whatever a function of the user's own raises: nobody waits for these slates,
                so none is made without it.
        """
        own = fingerprints(user_ids).tolist()
        return [
            self._make(user_id, (self.job.settings.seed + mark) % SEEDS, user)
            for user_id, mark, user in zip(user_ids, own, users, strict=True)
        ]

    def _make(self, user_id: str, seed: int, user: UserRecord | None) -> Made:
        settings = self.job.settings
        choice = choose(self.surfaces, settings.surface, user_id)
        plan = self.serving.plans.of(settings.surface, choice)
        limit = settings.limit or plan.surface.limit
        diversity = plan.surface.rerank.diversity
        query = Query(user_id, limit=limit, diversity=diversity, seed=seed)
        answer = answer_from_memory(query, plan, user, self.job.now_ms / 1e3, self.serving)
        request_id = blake2b(f"{self.digest} {user_id}".encode(), digest_size=16).hexdigest()
        return Made(user_id, seed, slate_answer(request_id, answer, self.serving, Trace()))
