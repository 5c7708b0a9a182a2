"""Who saw which arm, and what they did then: from records to columns by user."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.events import WEIGHTS, Event
from features.exposures import Exposure
from ranking.experiments import preference

type Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Arm:
    """The users of one arm, float64[n] each: slates shown, goals reached, and what those are worth.

    ``before`` counts goals before the first slate. ``leanings`` are the sums of preferences, of the
    users who reached a goal on a drafted slate.
    """

    shown: Column
    goals: Column
    worth: Column
    before: Column
    leanings: tuple[int, ...]

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.shown)


@dataclass(frozen=True, slots=True)
class Tally:
    """The arms by name; ``crossed`` users were seen in more than one, and are in none here.

    ``first_ms`` and ``last_ms`` are when the first and the last slate was shown.
    """

    arms: dict[str, Arm]
    crossed: int
    first_ms: int
    last_ms: int


def tally(exposures: Iterable[Exposure], events: Iterable[Event], goals: Set[str]) -> Tally:
    """Bring together one experiment's exposures and the events that are its goals.

    An event that names the request it came of counts if that was shown here, and not if it was
    another; one that names none counts for its user from the first slate on. A custom event is
    known by its name, every other by its type.
    """
    shown = {one.request_id: one for one in exposures}
    first: dict[str, int] = {}
    arms_of = defaultdict[str, set[str]](set)
    slates = Counter[str]()
    for one in shown.values():
        first[one.user_id] = min(one.timestamp_ms, first.get(one.user_id, one.timestamp_ms))
        arms_of[one.user_id].add(one.variant)
        slates[one.user_id] += 1
    reached, before, worth = Counter[str](), Counter[str](), defaultdict[str, float](float)
    clicked = defaultdict[str, set[str]](set)
    for event in events:
        user, request = event.user_id, shown.get(event.request_id or "")
        if (event.name or event.type) not in goals or user not in first:
            continue
        if request is not None and request.user_id == user:
            clicked[request.request_id].add(event.item_id)
        elif event.request_id is not None:
            continue
        elif event.timestamp_ms < first[user]:
            before[user] += 1
            continue
        reached[user] += 1
        worth[user] += WEIGHTS.get(event.type, 0.0) if event.weight is None else event.weight
    leanings = Counter[str]()
    for request_id, item_ids in clicked.items():
        teams = shown[request_id].teams
        places = [place for place, item_id in enumerate(teams) if item_id in item_ids]
        if places:
            leanings[shown[request_id].user_id] += preference(list(teams.values()), places)
    users = defaultdict[str, list[str]](list)
    for user, arms in arms_of.items():
        if len(arms) == 1:
            users[min(arms)].append(user)
    return Tally(
        {
            arm: Arm(
                _column(slates, users[arm]),
                _column(reached, users[arm]),
                _column(worth, users[arm]),
                _column(before, users[arm]),
                tuple(leanings[user] for user in users[arm] if user in leanings),
            )
            for arm in sorted(users)
        },
        crossed=sum(len(arms) > 1 for arms in arms_of.values()),
        first_ms=min(first.values(), default=0),
        last_ms=max((one.timestamp_ms for one in shown.values()), default=0),
    )


def _column(values: Counter[str] | defaultdict[str, float], users: list[str]) -> Column:
    return np.array([values.get(user, 0) for user in users], np.float64)
