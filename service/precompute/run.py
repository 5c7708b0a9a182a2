"""All slates of a job: users shared out over threads, shards kept in their order."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched, groupby
from operator import itemgetter
from typing import Final

from features.user_reader import UserRecord
from service.precompute.outputs import Output
from service.precompute.recipe import Made, Recipe

USERS_PER_TURN: Final = 32
"""Users that a thread reads in one round trip, and then makes slates for."""

TURNS_AHEAD: Final = 4
"""Turns of each thread that may wait for their shard to be written; so memory is bounded."""

type Users = Callable[[Sequence[str]], Sequence[UserRecord | None]]
"""Returns what is known of users by their ids, None for a stranger; called by several threads."""

type Advance = Callable[[int, int], None]
"""Called as ``advance(done, total)``, in users."""

type Turn = tuple[int, Sequence[str]]
"""A shard's number, and some of its users."""


@dataclass(frozen=True, slots=True)
class Count:
    """Slates that were made now, and those that were there."""

    made: int
    kept: int


def make_slates(
    recipe: Recipe,
    user_ids: Sequence[str],
    users: Users,
    outputs: Sequence[Output],
    threads: int,
    advance: Advance,
) -> Count:
    """Make every slate that an output lacks; wherever it is killed, the next call goes on there.

    A slate depends on its user alone, so however the users are shared out, the slates are the same.
    """
    size, total = recipe.job.settings.users_per_shard, len(user_ids)
    done = [output.done() for output in outputs]
    everywhere = done[0].intersection(*done[1:])
    missing = [shard for shard in range(recipe.job.settings.shards) if shard not in everywhere]
    kept = total - sum(len(user_ids[shard * size : (shard + 1) * size]) for shard in missing)
    made = 0

    def take(turn: Turn) -> tuple[int, list[Made]]:
        shard, mine = turn
        return shard, recipe(mine, users(mine))

    advance(kept, total)
    with ThreadPoolExecutor(threads, "braid-batch") as pool:
        turns = _turns(user_ids, missing, size)
        taken = pool.map(take, turns, buffersize=TURNS_AHEAD * threads)
        for shard, parts in groupby(taken, itemgetter(0)):
            slates: list[Made] = []
            for _, part in parts:
                slates += part
                advance(kept + made + len(slates), total)
            for output, there in zip(outputs, done, strict=True):
                if shard not in there:
                    output.write(shard, slates)
            made += len(slates)
    for output in outputs:
        output.finish()
    return Count(made, kept)


def _turns(user_ids: Sequence[str], shards: Sequence[int], size: int) -> Iterator[Turn]:
    for shard in shards:
        mine = user_ids[shard * size : (shard + 1) * size]
        for some in batched(mine, USERS_PER_TURN, strict=False):
            yield shard, some
