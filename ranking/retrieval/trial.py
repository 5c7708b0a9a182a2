"""A source tried on requests: what `braid check` says of a user's own before anybody is served."""

from collections.abc import Sequence

from features.types import Context
from ranking.masks import blocked
from ranking.retrieval.plan import Call
from ranking.snapshot import Snapshot


def trial(call: Call, snapshot: Snapshot, contexts: Sequence[Context]) -> list[str]:
    """Return what is wrong with a source, nothing where it keeps its contract.

    It must answer every context, the same one alike twice, and leave what it is given alone.
    """
    faults: list[str] = []
    for context in contexts:
        mask = blocked(context, snapshot)
        given = (mask, context.history, context.exclude, context.user_row)
        before = [array.tobytes() for array in given]
        try:
            first, second = (call.ask(context, snapshot, mask) for _ in range(2))
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is the answer
            faults.append(f"{type(fault).__name__}: {fault}")
            continue
        if first.items.tobytes() != second.items.tobytes():
            faults.append("offered other items when asked the same again; draw by context.seed")
        if [array.tobytes() for array in given] != before:
            faults.append("changed an array of its context; copy what you change")
    return [f"sources.{call.name}: {fault}" for fault in dict.fromkeys(faults)]
