"""Groups of candidates, of which only so many may stand in a slate or close to each other."""
# mypy: disable-error-code="no-untyped-call"
# (numba is untyped throughout)

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Items, Mask
from ranking.attributes import Attribute

WHOLE_SLATE: Final = 0
"""Instead of a number of places."""
RESERVE: Final = 1
WINDOW: Final = 1 << 1
CAP: Final = 1 << 21
PROMOTION: Final = 1 << 41
"""What breaking a limit costs: one stronger limit weighs more than any number of weaker ones."""

type Indices = NDArray[np.int32]
type Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` items of a group in any ``within`` consecutive places.

    Each label of ``what``, an attribute, makes a group, or only the one with the code ``only``; or
    the group is ``what`` bool[n_items]. ``cost`` is what breaking it costs. ``name`` is what
    `Slate.relaxed` calls it.
    """

    name: str
    most: int
    within: int
    cost: int
    what: Attribute | Mask
    only: int = -1


class Groups(NamedTuple):
    """Which of n candidates are in which of g groups, both ways round, and each group's limit.

    Candidate i is in ``groups[starts[i] : starts[i + 1]]``; group g has
    ``members[firsts[g] : firsts[g + 1]]``. ``most``, ``within``, ``cost`` and ``limit`` (the index
    of the limit that made it) are int64[g].
    """

    starts: Numbers
    groups: Indices
    firsts: Numbers
    members: Indices
    most: Numbers
    within: Numbers
    cost: Numbers
    limit: Numbers


GROUPS: Final = types.BaseTuple.from_types(
    tuple(map(output, (types.int64, types.int32, types.int64, types.int32, *(types.int64,) * 4))),
    Groups,
)
"""The numba type of `Groups`."""


def group(limits: Sequence[Limit], items: Items) -> Groups:
    """Sort the candidates ``items`` int64[n] into the groups of all limits."""
    if not limits:
        none, nobody = np.empty(0, np.int64), np.empty(0, np.int32)
        starts = np.zeros(len(items) + 1, np.int64)
        return Groups(starts, nobody, starts[:1], nobody, none, none, none, none)
    room = sum(_room(limit, items) for limit in limits)
    candidates, groups = np.empty(room, np.int32), np.empty(room, np.int32)
    pairs, sizes = 0, [0]
    for limit in limits:
        if not isinstance(limit.what, Attribute):
            found = np.flatnonzero(limit.what[items])
            candidates[pairs : pairs + len(found)] = found
            groups[pairs : pairs + len(found)] = sizes[-1]
            pairs, last = pairs + len(found), sizes[-1] + 1
        else:
            numbers = np.full(limit.what.n_labels, -1, np.int32)
            pairs, last = pair(
                limit.what.starts,
                limit.what.codes,
                items,
                limit.only,
                numbers,
                pairs,
                sizes[-1],
                candidates,
                groups,
            )
        sizes.append(last)
    told = np.array(
        [(limit.most, limit.within, limit.cost, n) for n, limit in enumerate(limits)]
    ).T.repeat(np.diff(sizes), axis=1)
    starts, firsts = np.zeros(len(items) + 1, np.int64), np.zeros(sizes[-1] + 1, np.int64)
    of, members = np.empty(pairs, np.int32), np.empty(pairs, np.int32)
    gather_by(candidates[:pairs], groups[:pairs], starts, of)
    gather_by(groups[:pairs], candidates[:pairs], firsts, members)
    return Groups(
        starts,
        of,
        firsts,
        members,
        *told,
    )


def _room(limit: Limit, items: Items) -> int:
    if not isinstance(limit.what, Attribute):
        return len(items)
    starts = limit.what.starts
    return int((starts[items + 1] - starts[items]).sum())


@kernel(
    inputs(types.int64),
    inputs(types.int32),
    inputs(types.int64),
    types.int64,
    output(types.int32),
    types.int64,
    types.int64,
    output(types.int32),
    output(types.int32),
    returns=types.UniTuple(types.int64, 2),
)
def pair(
    starts: Numbers,
    codes: Indices,
    items: Items,
    only: int,
    numbers: Indices,
    count: int,
    group: int,
    candidates: Indices,
    groups: Indices,
) -> tuple[int, int]:
    """Write each candidate beside each label's group; return how many pairs and groups there are.

    Pairs are written from ``count`` on and groups counted from ``group`` on. ``numbers`` is
    int32[n_labels] of -1: the group of each label, once it was met.
    """
    for i in range(len(items)):
        for at in range(starts[items[i]], starts[items[i] + 1]):
            code = codes[at]
            if only >= 0 and code != only:
                continue
            if numbers[code] < 0:
                numbers[code] = group
                group += 1
            candidates[count], groups[count] = i, numbers[code]
            count += 1
    return count, group


@kernel(inputs(types.int32), inputs(types.int32), output(types.int64), output(types.int32))
def gather_by(keys: Indices, values: Indices, starts: Numbers, gathered: Indices) -> None:
    """Write the values of each key together, in their order: those of key i from starts[i] on.

    ``starts`` comes as zeros, one more than there are keys.
    """
    n = len(starts) - 1
    for key in keys:
        starts[key + 1] += 1
    for i in range(n):
        starts[i + 1] += starts[i]
    for at in range(len(keys)):
        key = keys[at]
        gathered[starts[key]] = values[at]
        starts[key] += 1
    for i in range(n, 0, -1):
        starts[i] = starts[i - 1]
    starts[0] = 0


@kernel(GROUPS, inputs(types.int64), types.int64, output(types.boolean))
def exceed(by: Groups, slate: Numbers, before: int, exceeded: Mask) -> None:
    """Write whether each limit is exceeded somewhere: in a whole slate, or around its places.

    The first ``before`` entries of ``slate`` stand above it; they count for windows alone.
    """
    counts = np.zeros(len(by.most), np.int64)
    for place in range(before, len(slate)):
        for at in range(by.starts[slate[place]], by.starts[slate[place] + 1]):
            group = by.groups[at]
            within = by.within[group]
            if within == 0:
                counts[group] += 1
                held = counts[group]
            else:
                held = 0
                for other in range(max(0, place + 1 - within), place + 1):
                    for mine in range(by.starts[slate[other]], by.starts[slate[other] + 1]):
                        held += by.groups[mine] == group
            if held > by.most[group]:
                exceeded[by.limit[group]] = True
