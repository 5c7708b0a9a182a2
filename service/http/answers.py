"""From the pipeline's arrays to the JSON that a client reads."""

from collections.abc import Sequence

import numpy as np

from ranking.retrieval.credit import credit
from service.http.wire import Coverage, Degradation, RankedItem, SlateAnswer
from service.observe.spans import Trace
from service.pipeline import Answer
from service.state import Serving


def slate_answer(request_id: str, answer: Answer, serving: Serving, trace: Trace) -> SlateAnswer:
    """Name the picks, and say where each came from and why."""
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
                reason(names[source], item, because, catalogue),
                properties[item],
            )
            for item, score, source, because in picked
        ],
        degraded=[Degradation(stage, reason) for stage, reason in trace.degraded],
        coverage=Coverage(
            features=_share(int(np.count_nonzero(block.present)), len(block.present)),
            scored=1.0 if len(block.rows) == len(brought) else _known_share(brought, serving),
        ),
    )


def _known_share(brought: Sequence[str], serving: Serving) -> float:
    """Return how many of these ids the catalogue has; repeats and exclusions do not count."""
    wanted = set(brought)
    return _share(len(serving.snapshot.catalogue.ordinals(wanted)), len(wanted))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0
