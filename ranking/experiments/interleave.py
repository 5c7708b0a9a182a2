"""Team-draft interleaving: two slates in one, and which of them the clicks speak for.

Radlinski, Kurup, Joachims: How Does Clickthrough Data Reflect Retrieval Quality? CIKM 2008.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Items

FIRST: Final = 0
SECOND: Final = 1
NEITHER: Final = -1

COIN_BYTES: Final = 64
"""One coin for every two places at least: enough for slates of 1024, and one is of 200 at most."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """A slate of two: int64[k] items, best first, no duplicates.

    ``teams`` is int8[k], who put the item there: `FIRST`, `SECOND`, or `NEITHER` once the other had
    nothing left to put against it. ``places`` is int64[k], where in that slate the item stood.
    """

    items: Items
    teams: NDArray[np.int8]
    places: NDArray[np.int64]


def team_draft(first: Items, second: Items, limit: int, seed: int) -> Drafted:
    """Let two slates, int64[n] and int64[m] best first, choose in turns what stands next.

    Each round a coin decides who begins, so neither has the better places: over all seeds a click
    on an item that both rank alike counts for either equally often. ``seed`` is of 64 bits; the
    same one gives the same draft.
    """
    coins = int.from_bytes(
        blake2b((seed & (2**64 - 1)).to_bytes(8), digest_size=COIN_BYTES).digest()
    )
    slates = (first.tolist(), second.tolist())
    ahead, sizes = [0, 0], [0, 0]
    taken: set[int] = set()
    items, teams, places = list[int](), list[int](), list[int]()
    while len(items) < limit:
        for side in (FIRST, SECOND):
            slate = slates[side]
            while ahead[side] < len(slate) and slate[ahead[side]] in taken:
                ahead[side] += 1
        left = [side for side in (FIRST, SECOND) if ahead[side] < len(slates[side])]
        if not left:
            break
        if sizes[FIRST] != sizes[SECOND]:
            side = FIRST if sizes[FIRST] < sizes[SECOND] else SECOND
        else:
            side, coins = coins & 1, coins >> 1
        contested = len(left) == 2
        side = side if contested else left[0]
        item = slates[side][ahead[side]]
        taken.add(item)
        items.append(item)
        places.append(ahead[side])
        # The one who must answer a pick may have nothing left but what the other has put there.
        teams.append(side if contested else NEITHER)
        sizes[side] += contested
    return Drafted(np.array(items, np.int64), np.array(teams, np.int8), np.array(places, np.int64))


def preference(teams: Sequence[int], clicked: Iterable[int]) -> int:
    """Return whose items were clicked more: 1 the second's, -1 the first's, 0 neither's.

    ``clicked`` are places of one slate, from 0; a place clicked twice counts once, and one that
    the slate does not have counts for nobody.
    """
    drafted = [teams[place] for place in set(clicked) if 0 <= place < len(teams)]
    first, second = drafted.count(FIRST), drafted.count(SECOND)
    return (second > first) - (second < first)
