"""Context: who asks, what they did, and what is not to be shown."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.errors import StoreUnavailable
from features.schema import Schema
from features.store import SHOWN_CAP, FeatureStore, UserRecord
from features.types import Context, Items, Mask, Query
from ranking.catalogue import Catalogue
from ranking.freshness import ages_of
from service import budget
from service.observe.spans import Trace, seconds_until
from service.state import Serving
from service.surfaces.plan import Plan

type Floats = NDArray[np.float32]

NEVER = np.empty(0, np.float32)


async def read_users(
    queries: Sequence[Query],
    plans: Sequence[Plan],
    serving: Serving,
    store: FeatureStore,
    trace: Trace,
) -> list[UserRecord | None]:
    """Read the users of all queries in one round trip; None for who is a stranger.

    A user whom the store cannot give within the stage's time is taken for a stranger, too.
    """
    ids = [query.user_id for query in queries if query.user_id is not None]
    if not ids:
        return [None] * len(queries)
    stop_ns = trace.stop_ns(budget.CONTEXT)
    shown = SHOWN_CAP if any(plan.surface.filters.served for plan in plans) else 0
    try:
        within_s = seconds_until(stop_ns)
        with trace.read("context"):
            read = iter(await store.read_users(ids, serving.user_schema, within_s, shown))
    except StoreUnavailable as fault:
        trace.degrade("context", budget.reason(fault, stop_ns))
        return [None] * len(queries)
    return [next(read) if query.user_id is not None else None for query in queries]


def context_of(
    query: Query, plan: Plan, user: UserRecord | None, serving: Serving, now_s: float
) -> Context:
    """Bring together who asks, what they did, and what is not to be shown.

    Raises:
        FilterRejected: the query's filter is none for this catalogue.
    """
    catalogue = serving.snapshot.catalogue
    visit = (*query.session, *query.seed_items)
    known = user if user is not None else _stranger(serving.user_schema)
    history, places = catalogue.located((*visit, *known.history))
    served, shown_places = catalogue.located(known.shown, repeats=True)
    again = not plan.surface.filters.seen  # only then does it matter how often
    return Context(
        user_row=known.row,
        known=known.known,
        history=history,
        exclude=catalogue.ordinals((*query.exclude, *query.shown, *known.disliked)),
        hidden=_hidden(query, plan, serving),
        ages_s=_ages_s(len(visit), known.times_ms, places, now_s) if len(places) else NEVER,
        times=_times(history, (*visit, *known.history), catalogue) if again else NEVER,
        served=served,
        served_ages_s=ages_of(known.shown_times_ms[shown_places], now_s) if len(served) else NEVER,
        live=serving.live,
        now_s=now_s,
        seed=query.seed,
    )


def _ages_s(visited: int, times_ms: NDArray[np.int64], places: Items, now_s: float) -> Floats:
    """Return float32[h], the ages of those at ``places`` behind so many of this moment."""
    ages_s = np.zeros(visited + len(times_ms), np.float32)
    ages_s[visited:] = ages_of(times_ms, now_s)
    return ages_s[places]


def _times(history: Items, ids: Sequence[str], catalogue: Catalogue) -> Floats:
    """Return float32[h], how often each item of the history stands among the ids."""
    items, times = np.unique(catalogue.located(ids, repeats=True)[0], return_counts=True)
    return times[np.searchsorted(items, history)].astype(np.float32)


def _stranger(schema: Schema) -> UserRecord:
    return UserRecord(schema.default_row, False, [])


def _hidden(query: Query, plan: Plan, serving: Serving) -> Mask | None:
    """Return what the surface's rule or the query's filter hides."""
    if query.filter is None:
        return plan.hidden
    hidden = serving.filters.hidden(query.filter)
    return hidden if plan.hidden is None else hidden | plan.hidden
