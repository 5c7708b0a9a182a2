"""One slate drafted from the answers of two variants."""

import msgspec

from features.types import Query
from ranking.experiments import team_draft
from service.http import cursor
from service.http.wire import SlateAnswer

type Drafted = list[tuple[str, int]]
"""The items' ids in their places, each with the team it is credited to: what an exposure keeps."""


def draft(
    own: SlateAnswer, rival: SlateAnswer, variant: str, query: Query
) -> tuple[SlateAnswer, Drafted]:
    """Interleave two answers to one request; what is not of the items themselves is ``own``'s."""
    slates = (own.items, rival.items)
    first, second = ([item.item_id for item in items] for items in slates)
    picks = team_draft(first, second, query.limit, query.seed)
    items = [slates[pick.slate][pick.place] for pick in picks]
    fallen = [*own.degraded, *(one for one in rival.degraded if one not in own.degraded)]
    teams = [(item.item_id, pick.team) for item, pick in zip(items, picks, strict=True)]
    shown = (*query.shown, *(item.item_id for item in items))
    answer = msgspec.structs.replace(
        own,
        variant=variant,
        items=items,
        degraded=fallen,
        next=own.next and cursor.write(query.seed, shown),
    )
    return answer, teams
