"""What all threads serve from: one immutable value behind one reference."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from time import thread_time_ns

import msgspec
import numpy as np

from features.item_table import ItemTable
from features.near_cache import NearCache
from features.schema import Schema
from features.trust import Trust
from features.types import Context, Live
from ranking.masks import blocked
from ranking.retrieval import DEFAULT, SOURCES, vector
from ranking.snapshot import Snapshot
from service.filters import Filters
from service.mapped.kept import Kept, encoded
from service.surfaces.plan import Plans

CALIBRATION_ROWS = 256
MOST_OFFERED = sum(source.quota for source in DEFAULT.values())
CALIBRATION_ROUNDS = 5
CALIBRATION_BLOCKS = 1 << 13
"""A million vectors: more would take as long for each, and a start waits for them."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A snapshot with what serving derives from it once.

    ``properties`` are the catalogue's, encoded already. ``near`` holds rows of this catalogue,
    so it comes and goes with it; it and ``filters`` alone change, under rules of their own. The
    costs are measured, in nanoseconds of one thread's processor time (others may be busy while a
    model is swapped): they decide what is worth splitting over the crew. ``live`` is what all users
    did of late; None before the first word of it. ``catalogue_serial`` is up to where the
    snapshot has what was put and retired (`service.catalogue`).
    """

    snapshot: Snapshot
    user_schema: Schema
    items: ItemTable
    near: NearCache
    filters: Filters
    plans: Plans
    properties: Sequence[msgspec.Raw]
    score_ns_per_row: float
    search_ns_per_block: float
    live: Live | None = None
    catalogue_serial: int = 0

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        near_cache_mib: int,
        trust: Trust,
        before: Serving | None = None,
        kept: Kept | None = None,
    ) -> Serving:
        """Derive and measure; this also compiles and warms every kernel a request will need.

        The near cache of ``before`` is taken over, with its rows, where both have the same items
        under the same schema: a model that was only trained anew starts warm. What ``kept`` has is
        not derived.

        Raises:
            SchemaInvalid: the artifact's schemas contradict themselves.
        """
        catalogue, schema = snapshot.catalogue, Schema.parse(snapshot.schemas["item"])
        if before is not None and before.keeps_rows_of(catalogue.ids, schema):
            items, near = before.items, before.near
        else:
            ids = catalogue.ids
            items = ItemTable(ids, schema) if kept is None else kept.items_of(catalogue)
            near = NearCache(items, catalogue.names, near_cache_mib, trust)
        shown = catalogue.properties
        filters, properties = (
            (Filters(shown), encoded(shown)) if kept is None else kept.shown_of(catalogue)
        )
        return cls(
            snapshot=snapshot,
            user_schema=Schema.parse(snapshot.schemas["user"]),
            items=items,
            near=near,
            filters=filters,
            plans=Plans(snapshot, filters),
            properties=properties,
            score_ns_per_row=_score_ns_per_row(snapshot),
            search_ns_per_block=_search_ns_per_block(snapshot),
        )

    def work_ns(self, candidates: int) -> float:
        """Return about how long it takes to score so many, or as many as retrieval offers if 0."""
        return (candidates or MOST_OFFERED) * self.score_ns_per_row

    def keeps_rows_of(self, item_ids: Sequence[str], schema: Schema) -> bool:
        """Tell whether the near cache holds rows of just these items, in this form."""
        return self.items.schema == schema and self.snapshot.catalogue.ids == item_ids


class State:
    """The published `Serving`: read once per request, replaced whole.

    Rebinding one attribute is atomic, with the GIL and without: a reader sees the old value or
    the new one, and the old one lives until its last reader is done. Writers wait for each
    other; readers wait for nobody.
    """

    __slots__ = ("_serving", "_writing")

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._writing = Lock()

    def read(self) -> Serving:
        """Return what to serve this one request from."""
        return self._serving

    def publish(self, serving: Serving) -> None:
        """Let every request from now on be served from this."""
        with self._writing:
            self._serving = serving

    def update(self, change: Callable[[Serving], Serving]) -> Serving:
        """Publish what ``change`` makes of what is served now, and return it.

        Nobody else publishes in between, so ``change`` must be short: prepare outside, and in here
        only look whether what was prepared still fits.
        """
        with self._writing:
            self._serving = change(self._serving)
            return self._serving


def _score_ns_per_row(snapshot: Snapshot) -> float:
    rows = np.zeros((CALIBRATION_ROWS, len(snapshot.scorer.columns)), dtype=np.float32)
    took = []
    for _ in range(CALIBRATION_ROUNDS):
        began = thread_time_ns()
        snapshot.scorer(rows)
        took.append(thread_time_ns() - began)
    return min(took) / CALIBRATION_ROWS


def _search_ns_per_block(snapshot: Snapshot) -> float:
    width = len(snapshot.user_columns)
    history = np.arange(min(16, len(snapshot.catalogue)), dtype=np.int64)
    context = Context(np.zeros(width, np.float32), False, history, history[:0])
    mask = blocked(context, snapshot)
    for source in SOURCES.values():
        source(context, snapshot, mask, MOST_OFFERED)
    took = []
    for _ in range(CALIBRATION_ROUNDS):
        search = vector.search(context, snapshot, mask, DEFAULT["vector"].quota)
        began = thread_time_ns()
        search.part(0, blocks := min(search.blocks, CALIBRATION_BLOCKS))
        took.append(thread_time_ns() - began)
    return min(took) / max(blocks, 1)
