"""From the pipeline's arrays to the JSON that a client reads."""

from collections.abc import Sequence
from itertools import repeat
from typing import Final

import numpy as np

from ranking.retrieval.credit import credit
from service.answer import Answer
from service.http import cursor
from service.http.wire import Coverage, Degradation, RankedItem, SlateAnswer
from service.observe.spans import Trace
from service.state import Serving

MOVED: Final = frozenset({"pin", "promotion", "explore"})
"""Rules that are the reason why an item is shown, whoever offered it."""


def slate_answer(request_id: str, answer: Answer, serving: Serving, trace: Trace) -> SlateAnswer:
    """Name the picks, and say where each came from and why; and how to ask for the next page."""
    catalogue, brought = serving.snapshot.catalogue, answer.query.candidates
    picks, block = answer.slate.picks, answer.block
    sources = np.empty(len(picks), np.int64)
    credit(np.ascontiguousarray(answer.candidates.scores.T), picks, sources)
    scores = answer.slate.scores.astype(np.float64).round(6)  # at once: round() takes 1 us each
    picked = zip(
        answer.candidates.items[picks].tolist(),
        scores.tolist(),
        sources.tolist(),
        answer.candidates.because[picks].tolist(),
        answer.slate.moves or repeat("", len(picks)),
        strict=True,
    )
    ids, properties = catalogue.ids, serving.properties
    names, reason = answer.candidates.sources, answer.plan.reasons
    return SlateAnswer(
        request_id=request_id,
        model_version=serving.snapshot.version,
        surface=answer.plan.name,
        variant=answer.plan.variant,
        items=[
            RankedItem(
                ids[item],
                score,
                names[source],
                reason(move if move in MOVED else names[source], item, because, catalogue),
                properties[item],
            )
            for item, score, source, because, move in picked
        ],
        degraded=[Degradation(stage, reason) for stage, reason in trace.degraded],
        coverage=Coverage(
            features=_share(int(np.count_nonzero(block.present)), len(block.present)),
            scored=_scored(brought, len(block.rows), trace.scored, serving),
        ),
        next=_next(answer, serving),
        relaxed=answer.slate.relaxed,
    )


def _next(answer: Answer, serving: Serving) -> str | None:
    """Return the token for the next page; None where this one is the last."""
    query, picks = answer.query, answer.slate.picks
    if query.candidates or len(picks) < query.limit:
        return None
    ids = serving.snapshot.catalogue.ids
    shown = [ids[item] for item in answer.candidates.items[picks].tolist()]
    return cursor.write(query.seed, (*query.shown, *shown))


def _scored(brought: Sequence[str], rows: int, scored: float, serving: Serving) -> float:
    """Return how much of what was asked for the model has scored."""
    known = 1.0 if rows == len(brought) else _known_share(brought, serving)
    return known if scored == 1.0 else round(known * scored, 4)


def _known_share(brought: Sequence[str], serving: Serving) -> float:
    """Return how many of these ids the catalogue has; repeats and exclusions do not count."""
    wanted = set(brought)
    return _share(len(serving.snapshot.catalogue.ordinals(wanted)), len(wanted))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0
