"""Why an item is not in a slate: the first stage on the way that let it go, and its reason."""

from typing import Any

import numpy as np

from ranking.retrieval import fuse
from ranking.retrieval.sources import OPINIONS
from service.explain.evidence import Evidence, row_of
from service.http.debug_wire import Fate


def fate_of(item_id: str, evidence: Evidence) -> Fate:
    """Tell what became of an item."""
    answer, catalogue = evidence.answer, evidence.serving.snapshot.catalogue
    item = catalogue.ordinal(item_id)
    if item is None:
        return Fate(item_id, "catalogue", "the catalogue has no such item")
    row = row_of(answer.candidates, item)
    if row is not None and row in answer.slate.picks:
        return _shown(item_id, row, evidence)
    masks = [name for name, mask in evidence.masks.items() if mask[item]]
    if masks:
        return Fate(item_id, "masks", f"kept away by {', '.join(masks)}", masks=masks)
    if row is not None:
        return _ranked(item_id, row, evidence)
    found = row_of(evidence.found, item)
    if found is not None:
        return _let_go(item_id, found, evidence)
    if answer.query.candidates:
        return Fate(item_id, "retrieve", "it is not among the candidates that were sent")
    return _not_offered(item_id, item, evidence)


def _shown(item_id: str, row: int, evidence: Evidence) -> Fate:
    slate = evidence.answer.slate
    place = 1 + int(np.flatnonzero(slate.picks == row)[0])
    return Fate(
        item_id,
        "slate",
        f"it is in the slate, at place {place}",
        place=place,
        score=_plain(slate.scores[place - 1]),
        last_score=evidence.lowest,
    )


def _not_offered(item_id: str, item: int, evidence: Evidence) -> Fate:
    """Say what each source thinks of the item, against the least of what it offered."""
    context, found = evidence.answer.context, evidence.found
    one = np.array([item], np.int64)
    scores: dict[str, tuple[float, float | None]] = {}
    for source, name in enumerate(found.sources):
        if name in OPINIONS:
            offered = found.scores[:, source]
            offered = offered[~np.isnan(offered)]
            opinion = OPINIONS[name](context, evidence.serving.snapshot, one)[0]
            least = _plain(offered.min()) if len(offered) else None
            scores[name] = (_plain(opinion), least)
    return Fate(item_id, "retrieve", "no source offered it", scores=scores)


def _let_go(item_id: str, row: int, evidence: Evidence) -> Fate:
    found, keep = evidence.found, len(evidence.answer.candidates.items)
    fused = fuse(found, evidence.answer.plan.light_weights)
    place = 1 + int(np.count_nonzero(fused > fused[row]))
    return Fate(
        item_id,
        "light",
        f"the light phase kept {keep} of {len(fused)} candidates; this was number {place}",
        place=place,
        score=_plain(fused[row]),
    )


def _ranked(item_id: str, row: int, evidence: Evidence) -> Fate:
    answer, place = evidence.answer, int(evidence.places[row])
    score, of = answer.scores[row], len(answer.scores)
    if not np.isfinite(score):
        return Fate(item_id, "score", "its score is no finite number", place=place)
    lower = np.flatnonzero(answer.slate.scores < score)
    if len(lower):
        moves = answer.slate.moves or ("",) * len(answer.slate.picks)
        rules = sorted({moves[index] or evidence.weighing for index in lower.tolist()})
        reason = (
            f"number {place} of {of} by score; {len(lower)} of the slate score less"
            f" and stand there by {', '.join(filter(None, rules))}"
        )
    else:
        reason = f"number {place} of {of} by score, and {len(answer.slate.picks)} were shown"
    return Fate(
        item_id,
        "rerank" if len(lower) else "score",
        reason,
        place=place,
        score=_plain(score),
        last_score=evidence.lowest,
    )


def _plain(number: float | np.floating[Any]) -> float:
    return round(float(number), 6)
