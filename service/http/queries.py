"""From what a client sent to a query with every default filled in, from its surface."""

from features.types import Query
from ranking.surfaces import Surface
from service.http import cursor
from service.http.wire import RankRequest, SimilarRequest, SlateQuery

type Wanted = SlateQuery | RankRequest | SimilarRequest


def query_of(wanted: Wanted, surface: Surface, request_id: str, path: str = "$") -> Query:
    """Return the query; a seed that the client did not give follows from the request's id.

    Raises:
        CursorInvalid: `after` is none of our tokens; ``path`` is where the query stands.
    """
    limit, diversity, seed = wanted.limit, wanted.diversity, wanted.seed
    after = getattr(wanted, "after", None)
    shown: tuple[str, ...] = ()
    if after is not None:
        page = cursor.read(after, f"{path}.after")
        shown, seed = page.shown, page.seed if seed is None else seed
    deadline_ms = getattr(wanted, "deadline_ms", None)
    return Query(
        user_id=getattr(wanted, "user_id", None),
        session=getattr(wanted, "session", ()),
        seed_items=getattr(wanted, "seed_items", ()),
        exclude=wanted.exclude,
        candidates=getattr(wanted, "candidates", ()),
        filter=wanted.filter,
        limit=surface.limit if limit is None else limit,
        diversity=surface.rerank.diversity if diversity is None else diversity,
        deadline_ms=surface.deadline_ms if deadline_ms is None else deadline_ms,
        pins={int(place): item for place, item in wanted.pin.items()} if wanted.pin else {},
        boosts=wanted.boost,
        seed=seed_of(request_id) if seed is None else seed,
        shown=shown,
    )


def seed_of(request_id: str) -> int:
    """Return a seed of 53 bits that follows from a request's id, of a batch's part as well."""
    base, _, part = request_id.partition(".")
    return (int(base[-13:], 16) + int(part or 0)) % 2**53
