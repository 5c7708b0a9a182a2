"""Shards over several outputs: each is made where it lacks, once, and in its order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.http.wire import Coverage, SlateAnswer
from service.precompute.job import Job, JobSettings
from service.precompute.recipe import Made
from service.precompute.run import make_slates
from tests.service.precompute.jobs import SETTINGS

USERS = [f"user-{number}" for number in range(SETTINGS.users)]


@dataclass
class Kept:
    """An output in memory that fails at its ``fails_at``th write."""

    there: dict[int, list[str]] = field(default_factory=dict)
    fails_at: int = -1
    finished: bool = False

    def job(self, settings: JobSettings) -> Job | None:  # noqa: ARG002  an `Output`
        return None

    def begin(self, job: Job) -> None: ...

    def done(self) -> set[int]:
        return set(self.there)

    def write(self, shard: int, made: Sequence[Made]) -> None:
        if len(self.there) == self.fails_at:
            raise OSError("no room")
        assert shard not in self.there
        self.there[shard] = [one.user_id for one in made]

    def finish(self) -> None:
        self.finished = True


@dataclass(frozen=True)
class Recipe:
    """Makes empty slates."""

    job: Job

    def __call__(self, user_ids: Sequence[str], users: Sequence[Any]) -> list[Made]:
        assert users == [f"row of {user}" for user in user_ids]
        slate = SlateAnswer("", "1", "home", "control", [], [], Coverage(1, 1))
        return [Made(user, 0, slate) for user in user_ids]


def users(user_ids: Sequence[str]) -> Any:
    return [f"row of {user}" for user in user_ids]


def make(*outputs: Kept, threads: int = 2) -> Any:
    told: list[tuple[int, int]] = []

    def advance(done: int, total: int) -> None:
        told.append((done, total))

    count = make_slates(Recipe(Job(SETTINGS, 0)), USERS, users, outputs, threads, advance)  # type: ignore[arg-type]  # it makes the same
    assert told[-1] == (1000, 1000)
    assert told == sorted(told)
    return count


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_every_user_is_in_its_shard_in_order(threads: int) -> None:
    kept = Kept()
    make(kept, threads=threads)
    assert list(kept.there) == list(range(15))
    assert [user for mine in kept.there.values() for user in mine] == USERS
    assert {len(mine) for mine in kept.there.values()} == {70, 20}
    assert kept.finished


def test_a_shard_that_one_output_lacks_is_made_for_it_alone() -> None:
    first, second = Kept(), Kept(fails_at=3)
    with pytest.raises(OSError, match="no room"):
        make(first, second)
    assert (len(first.there), len(second.there)) == (4, 3)
    assert not first.finished
    second.fails_at = -1
    count = make(first, second)  # `Kept.write` holds that none comes twice
    assert (count.made, count.kept) == (1000 - 3 * 70, 3 * 70)
    assert first.there == second.there
