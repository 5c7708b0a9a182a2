"""From the pipeline's arrays to the JSON that a client reads."""

import numpy as np
from numpy.typing import NDArray

from ranking.columns import SOURCE_NAMES
from service.http.wire import Coverage, Degradation, RankedItem, SlateAnswer
from service.observe.spans import Trace
from service.pipeline import Answer
from service.state import Serving

POPULAR = "popular right now"
TASTE = "close to your taste"


def slate_answer(
    request_id: str, answer: Answer, asked: int, serving: Serving, trace: Trace
) -> SlateAnswer:
    """Name the picks, and say where each came from and why.

    ``asked`` is how many candidates the client brought itself, 0 when retrieval found them.
    """
    catalogue = serving.snapshot.catalogue
    picks = answer.slate.picks
    items = answer.candidates.items[picks].tolist()
    because = answer.candidates.because[picks].tolist()
    sources = _primary_sources(answer.candidates.scores, picks)
    scores = np.round(answer.slate.scores.astype(np.float64), 6)  # at once: round() takes 1 us each
    return SlateAnswer(
        request_id=request_id,
        model_version=serving.snapshot.version,
        items=[
            RankedItem(
                item_id=catalogue.ids[item],
                score=score,
                source=source,
                reason=_reason(source, why, serving),
                properties=serving.properties[item],
            )
            for item, score, source, why in zip(
                items, scores.tolist(), sources, because, strict=True
            )
        ],
        degraded=[Degradation(stage, reason) for stage, reason in trace.degraded],
        coverage=Coverage(
            features=_share(int(answer.block.present.sum()), len(answer.block.present)),
            scored=_share(len(answer.block.rows), asked or len(answer.block.rows)),
        ),
    )


def _primary_sources(scores: NDArray[np.float32], picks: NDArray[np.int64]) -> list[str]:
    """Return for each pick the source that placed it highest among what that source offered."""
    chosen = scores[picks]
    places = np.empty(chosen.shape, np.int64)
    for column, offered in enumerate(scores.T):
        ascending = np.sort(offered)  # NaN, where a source offered nothing, comes last
        known = ascending[: len(ascending) - np.count_nonzero(np.isnan(offered))]
        places[:, column] = len(known) - np.searchsorted(known, chosen[:, column], side="right")
    places[np.isnan(chosen)] = len(scores)
    return [SOURCE_NAMES[column] for column in places.argmin(axis=1).tolist()]


def _reason(source: str, because: int, serving: Serving) -> str:
    if source == "popularity":
        return POPULAR
    if because < 0:
        return TASTE
    properties = serving.snapshot.catalogue.properties[because]
    return f"because of {properties.get('title', serving.snapshot.catalogue.ids[because])}"


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0
