"""Two slates side by side."""

from collections.abc import Sequence

from ranking.experiments import jaccard, rank_biased_overlap
from service.http.requests_wire import Move, Overlap


def compare(before: Sequence[str], after: Sequence[str]) -> Overlap:
    """Tell how alike two slates of item ids are, and what entered, left and moved."""
    place = {item: index for index, item in enumerate(before, 1)}
    later = {item: index for index, item in enumerate(after, 1)}
    return Overlap(
        same=list(before) == list(after),
        jaccard=round(jaccard(before, after, max(len(before), len(after))), 6),
        rank_biased=round(rank_biased_overlap(before, after), 6),
        entered=[item for item in after if item not in place],
        left=[item for item in before if item not in later],
        moved=[
            Move(item, place[item], index)
            for item, index in later.items()
            if place.get(item, index) != index
        ],
    )
