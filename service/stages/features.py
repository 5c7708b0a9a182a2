"""Features: one row per candidate, the near cache first, one read for what it lacks."""

import asyncio
from collections.abc import Sequence

import numpy as np

from features.errors import PartlyRead, StoreUnavailable
from features.near_cache import Gathered
from features.store import FeatureStore
from features.types import Candidates, Context, FeatureBlock, Items, Mask, Rows
from ranking.assemble import assemble
from ranking.view import veil
from service import budget
from service.observe.spans import Trace, seconds_until
from service.state import Serving
from service.surfaces.plan import Plan


async def read_missed(
    gathered: Sequence[Gathered],
    wanted: Sequence[Items],
    serving: Serving,
    store: FeatureStore,
    trace: Trace,
) -> list[tuple[Rows, Mask]]:
    """Complete what the near cache had of several queries' items with one read of the rest."""
    near = serving.near
    missed = [items[found.missed] for items, found in zip(wanted, gathered, strict=True)]
    asked = missed[0] if len(missed) == 1 else np.unique(np.concatenate(missed))
    trace.note_near(sum(map(len, wanted)) - sum(map(len, missed)), sum(map(len, missed)))
    if not len(asked):
        read = [(found.rows, found.present) for found in gathered]
        return _any_or_own(read, wanted, serving, trace)
    stop_ns = trace.stop_ns(budget.FEATURES)
    try:
        with trace.read("features"):
            rows, present = await store.read_items(serving.items, asked, seconds_until(stop_ns))
        tickets = [found.ticket for found in gathered if found.ticket is not None]
        if len(tickets) == len(gathered):
            # When the loop is free again: the answer does not wait for it.
            asyncio.get_running_loop().call_soon(near.fill, min(tickets), asked, rows, present)
    except StoreUnavailable as fault:
        trace.degrade("features", budget.reason(fault, stop_ns))
        rows, present = stand_ins(fault, asked, serving)
        return _completed(gathered, missed, asked, rows, present)
    read = _completed(gathered, missed, asked, rows, present)
    return _any_or_own(read, wanted, serving, trace)


def _completed(
    gathered: Sequence[Gathered],
    missed: Sequence[Items],
    asked: Items,
    rows: Rows,
    present: Mask,
) -> list[tuple[Rows, Mask]]:
    if len(missed) == 1:
        return [gathered[0].completed(rows, present)]
    places = [np.searchsorted(asked, items) for items in missed]
    return [
        found.completed(rows[place], present[place])
        for found, place in zip(gathered, places, strict=True)
    ]


def _any_or_own(
    read: list[tuple[Rows, Mask]], wanted: Sequence[Items], serving: Serving, trace: Trace
) -> list[tuple[Rows, Mask]]:
    """Return what was read; the artifact's rows where the store has none of any candidate's.

    By the schema's defaults, which are the same for all, there would be nothing to rank by.
    """
    told = any(len(present) and (present[0] or present.any()) for _, present in read)
    if told or not any(map(len, wanted)):
        return read
    trace.degrade("features", "rows_missing")
    own = serving.snapshot.item_rows
    return [(own[items], present) for items, (_, present) in zip(wanted, read, strict=True)]


def stand_ins(fault: StoreUnavailable, items: Items, serving: Serving) -> tuple[Rows, Mask]:
    """Return the rows of the servers that answered, and of the others' what was known last."""
    # What may be old does not count as present.
    rows, present = last_known(items, serving), np.zeros(len(items), dtype=np.bool_)
    if isinstance(fault, PartlyRead):
        rows[fault.answered] = fault.rows[fault.answered]
        present[fault.answered] = fault.present[fault.answered]
    return rows, present


def last_known(items: Items, serving: Serving) -> Rows:
    """Return the rows that the store gave last; the artifact's where it gave none."""
    known = serving.near.recall(items)
    artifacts = serving.snapshot.item_rows[items[known.missed]]
    rows, _ = known.completed(artifacts, np.zeros(len(artifacts), dtype=np.bool_))
    return rows


def block_of(
    plan: Plan,
    context: Context,
    candidates: Candidates,
    read: tuple[Rows, Mask],
    serving: Serving,
) -> FeatureBlock:
    """Lay out the rows that the scorer ranks, as far as the surface lets it see them."""
    return veil(assemble(context, candidates, *read, serving.snapshot), plan.veiled)
