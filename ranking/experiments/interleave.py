"""Team-draft interleaving: two slates in one, and which of them the clicks speak for.

Radlinski, Kurup, Joachims: How Does Clickthrough Data Reflect Retrieval Quality? CIKM 2008.
"""

from collections.abc import Hashable, Iterable, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

FIRST: Final = 0
SECOND: Final = 1
NEITHER: Final = -1

COIN_BYTES: Final = 64
"""512 coins, one for each two places: a slate is of 200 at most."""


class Pick(NamedTuple):
    """One place of a drafted slate: which slate it is of, `FIRST` or `SECOND`, and where it stood.

    ``team`` is who is credited with its clicks: the slate, or `NEITHER` where the other slate had
    nothing left to put against it.
    """

    slate: int
    place: int
    team: int


def team_draft[T: Hashable](
    first: Sequence[T], second: Sequence[T], limit: int, seed: int
) -> list[Pick]:
    """Let two slates, each without duplicates, choose in turns what stands next: never one twice.

    Each round a coin decides who begins, so neither has the better places: over all seeds an item
    that both rank alike is credited to either equally often. ``seed`` is of 64 bits; the same one
    gives the same draft.
    """
    digest = blake2b((seed & (2**64 - 1)).to_bytes(8), digest_size=COIN_BYTES).digest()
    coins = int.from_bytes(digest)
    slates, ahead, sizes = (first, second), [0, 0], [0, 0]
    taken = set[T]()
    picks = list[Pick]()
    while len(picks) < limit:
        left = []
        for side in (FIRST, SECOND):
            slate = slates[side]
            while ahead[side] < len(slate) and slate[ahead[side]] in taken:
                ahead[side] += 1
            if ahead[side] < len(slate):
                left.append(side)
        if len(left) == 2 and sizes[FIRST] == sizes[SECOND]:
            side, coins = coins & 1, coins >> 1
        elif len(left) == 2:
            side = FIRST if sizes[FIRST] < sizes[SECOND] else SECOND
        elif left:
            side = left[0]
        else:
            break
        place = ahead[side]
        taken.add(slates[side][place])
        picks.append(Pick(side, place, side if len(left) == 2 else NEITHER))
        sizes[side] += 1
    return picks


def preference(teams: Sequence[int], clicked: Iterable[int]) -> int:
    """Return whose items were clicked more: 1 the second's, -1 the first's, 0 neither's.

    ``clicked`` are places of one slate, from 0; a place clicked twice counts once, and one that
    the slate does not have counts for nobody.
    """
    credited = [teams[place] for place in set(clicked) if 0 <= place < len(teams)]
    first, second = credited.count(FIRST), credited.count(SECOND)
    return (second > first) - (second < first)
