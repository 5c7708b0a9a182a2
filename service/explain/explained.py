"""One request answered under observation."""

import asyncio
from collections.abc import Sequence

from features.types import Query
from service.answer import Answer
from service.desk import Desk
from service.explain.debug import debug_of
from service.explain.evidence import Evidence
from service.explain.watch import Watch
from service.http.debug_wire import Debug
from service.observe.spans import Trace
from service.pipeline import recommend
from service.state import Serving
from service.surfaces.plan import Plan


async def explained(
    query: Query, plan: Plan, serving: Serving, desk: Desk, trace: Trace, why_not: Sequence[str]
) -> tuple[Answer, Debug]:
    """Answer as `service.pipeline.recommend` does, and tell how the answer came about.

    ``why_not`` are item ids: what became of each is told, too. The explanation is put together
    beside the loop, which serves others meanwhile; its time is a span of its own.
    """
    watch = Watch(trace)
    try:
        answer = await recommend(query, plan, serving, desk, watch.trace)
    finally:
        watch.trace.close()
    with trace.span("explain"):
        debug = await asyncio.to_thread(debug_of, Evidence(answer, serving), watch, why_not)
    return answer, debug
