"""All sources of a surface asked for one request."""

from collections.abc import Callable, Sequence

from features.types import Context, Mask
from ranking.retrieval.found import Found
from ranking.retrieval.plan import Call
from ranking.retrieval.vector import Spread
from ranking.snapshot import Snapshot

type Work = Callable[[], Found]

type Begin = Callable[[Call, Work], Callable[[], Found | None]]
"""Has a call's work begun, and returns what waits for its offer: None where it came too late, or
failed. Whoever gives it has the clock, and tells what was left out."""


def in_turn(call: Call, work: Work) -> Work:  # noqa: ARG001 - a `Begin`
    """Wait for whatever it takes, and let errors rise: the specification of every other `Begin`."""
    return work


def gather(
    calls: Sequence[Call],
    context: Context,
    snapshot: Snapshot,
    blocked: Mask,
    spread: Spread | None = None,
    begin: Begin = in_turn,
) -> list[Found | None]:
    """Return each call's offer, in their order; None where there is none in time.

    Calls that stand aside begin first, by ``begin``; the others are asked here meanwhile, large
    searches spread over threads by ``spread``; then the first are waited for. The offers are the
    same however the work is spread.
    """
    waiting = [
        begin(call, _work(call, context, snapshot, blocked)) if call.aside else None
        for call in calls
    ]
    here = [None if call.aside else call.ask(context, snapshot, blocked, spread) for call in calls]
    return [offer if wait is None else wait() for wait, offer in zip(waiting, here, strict=True)]


def _work(call: Call, context: Context, snapshot: Snapshot, blocked: Mask) -> Work:
    return lambda: call.ask(context, snapshot, blocked)
