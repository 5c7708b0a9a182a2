"""A surface tried on the users of an artifact, without a store: what `braid check` says of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Final

import numpy as np

from features.types import Context, Query
from features.user_reader import UserRecord
from ranking.artifact import StoredRows
from ranking.rerank.own import order
from ranking.retrieval.trial import trial
from service.answer import Answer
from service.from_memory import answer_from_memory
from service.observe.spans import NS_PER_MS
from service.stages import context_of
from service.state import Serving
from service.stored_users import stored_user
from service.surfaces.plan import Plan

USERS: Final = 20
NOW_S: Final = 1.7e9
SEED: Final = 7
STRANGER: Final = (Query(user_id="a stranger", seed=SEED), None)

type Asker = tuple[Query, UserRecord | None]


@dataclass(frozen=True, slots=True)
class Tried:
    """How a surface did: ``ms`` float64[n] for each asker's slate, ``items`` int64[n] in it.

    ``relaxed`` counts slates by the rule that they could not keep; ``faults`` is empty where
    everything kept its contract.
    """

    plan: Plan
    ms: np.ndarray[tuple[int], np.dtype[np.float64]]
    items: np.ndarray[tuple[int], np.dtype[np.int64]]
    relaxed: Counter[str]
    faults: list[str]


def askers(stored: StoredRows) -> list[Asker]:
    """Return users spread evenly over those of the artifact, and a stranger."""
    count = len(stored.user_ids)
    chosen = np.linspace(0, count - 1, min(USERS, count)).astype(np.int64).tolist()
    return [STRANGER, *(_user(stored, user) for user in chosen)]


def try_out(plan: Plan, serving: Serving, people: Sequence[Asker]) -> Tried:
    """Answer everybody twice by one surface, and hold what is the user's own to its contract."""
    ms, items = [], []
    relaxed, faults = Counter[str](), dict[str, None]()
    contexts: list[Context] = []
    for query, user in people:
        asked = Query(
            user_id=query.user_id,
            seed=query.seed,
            limit=plan.surface.limit,
            diversity=plan.surface.rerank.diversity,
        )
        contexts.append(context_of(asked, plan, user, serving, NOW_S))
        try:
            first = answer_from_memory(asked, plan, user, NOW_S, serving)  # compiles, perhaps
            began = perf_counter_ns()
            answer = answer_from_memory(asked, plan, user, NOW_S, serving)
            ms.append((perf_counter_ns() - began) / NS_PER_MS)
        except Exception as fault:  # noqa: BLE001  whatever it is, it is what is told
            faults[f"{type(fault).__name__}: {fault}"] = None
            continue
        items.append(len(answer.slate.picks))
        relaxed.update(answer.slate.relaxed)
        faults |= dict.fromkeys(_faults(first, answer, serving))
    for call in plan.calls:
        faults |= dict.fromkeys(trial(call, serving.snapshot, contexts))
    return Tried(plan, np.array(ms), np.array(items, np.int64), relaxed, list(faults))


def _user(stored: StoredRows, user: int) -> Asker:
    return Query(user_id=stored.user_ids[user], seed=SEED), stored_user(stored, user)


def _faults(answer: Answer, again: Answer, serving: Serving) -> Iterator[str]:
    if answer.scores.tobytes() != again.scores.tobytes():
        yield "scoring.objectives: the same rows scored otherwise the second time; draw nothing"
    if answer.slate.picks.tobytes() != again.slate.picks.tobytes():
        yield "rerank: another slate the second time; a re-ranker must draw nothing"
    yield from _halves(answer)
    own = answer.plan.rules.function
    if own is not None and len(answer.block.items):
        finite = np.flatnonzero(np.isfinite(answer.scores))
        items, scores = answer.block.items[finite], answer.scores[finite]
        order(own, items, scores, serving.snapshot.catalogue, answer.query.limit)


def _halves(answer: Answer) -> Iterator[str]:
    """Hold every ranker to its word that a row's score depends on that row alone."""
    rows = answer.block.rows
    step = answer.plan.objectives.rows_per_block
    middle = len(rows) // 2 // step * step
    for ranker in answer.plan.objectives.rankers:
        whole = ranker(rows)
        halves = np.concatenate((ranker(rows[:middle]), ranker(rows[middle:])))
        if whole.tobytes() != halves.tobytes():
            yield "scoring.objectives: a score depends on the other rows; threads share rows out"
