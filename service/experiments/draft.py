"""One slate drafted from the answers of two variants."""

import msgspec

from ranking.experiments import team_draft
from service.http.wire import SlateAnswer

type Drafted = list[tuple[str, int]]
"""The items' ids in their places, each with the team it is credited to: what an exposure keeps."""


def draft(
    own: SlateAnswer, rival: SlateAnswer, variant: str, limit: int, seed: int
) -> tuple[SlateAnswer, Drafted]:
    """Interleave two answers to one request; all but the items and what fell back is ``own``'s."""
    slates = (own.items, rival.items)
    first, second = ([item.item_id for item in items] for items in slates)
    picks = team_draft(first, second, limit, seed)
    items = [slates[pick.slate][pick.place] for pick in picks]
    fallen = [*own.degraded, *(one for one in rival.degraded if one not in own.degraded)]
    answer = msgspec.structs.replace(own, variant=variant, items=items, degraded=fallen)
    teams = [(item.item_id, pick.team) for item, pick in zip(items, picks, strict=True)]
    return answer, teams
