"""Where slates go: the role of an output, and the one thing that can be wrong with it."""

from collections.abc import Sequence
from typing import Protocol

from service.errors import Mendable
from service.precompute.job import Job, JobSettings
from service.precompute.recipe import Made


class Output(Protocol):
    """Keeps the job beside its slates, so that whoever comes again knows what is there."""

    def job(self, settings: JobSettings) -> Job | None:
        """Return the job of these settings that was begun here; None where there is none.

        Raises:
            OtherJob: what is here is of other settings, and is not to be lost.
        """

    def begin(self, job: Job) -> None:
        """Note the job before its first slate."""

    def done(self) -> set[int]:
        """Return the shards that are here, whole."""

    def write(self, shard: int, made: Sequence[Made]) -> None:
        """Keep a shard: all of it, or none of it counts as done."""

    def finish(self) -> None:
        """Hear that every shard is in every output."""


class OtherJob(Mendable):
    """An output holds the slates of something else."""
