"""The `debug` part of an answer, put together from the values that the answer was made of."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ranking.explain import Contributions, contributions
from ranking.live import write_ctr, write_trend
from ranking.objectives.names import CTR, TREND
from service.explain.evidence import Evidence, row_of
from service.explain.fate import fate_of
from service.explain.watch import Watch
from service.http.debug_wire import (
    Attribution,
    Debug,
    DebugItem,
    DebugMask,
    DebugShare,
    DebugSource,
    DebugStage,
    Provenance,
)
from service.observe.spans import NS_PER_MS

DIGITS = 6


def debug_of(evidence: Evidence, watch: Watch, why_not: Sequence[str]) -> Debug:
    """Explain one answer; it takes milliseconds, so not on the loop's thread."""
    answer = evidence.answer
    objectives = answer.plan.objectives
    names = _ranker_names(evidence)
    near, missed = watch.trace.near
    return Debug(
        seed=answer.query.seed,
        history=len(answer.context.history),
        stages=_stages(watch),
        shares=_shares(watch),
        sources=_sources(evidence),
        masks=_masks(evidence),
        found=len(evidence.found.items),
        scored=len(answer.candidates.items),
        near=near,
        missed=missed,
        weights=dict(zip((*names, *objectives.others), objectives.weights.tolist(), strict=True)),
        relaxed=list(answer.slate.relaxed),
        items=_items(evidence, names),
        why_not=[fate_of(item_id, evidence) for item_id in why_not],
    )


def _stages(watch: Watch) -> list[DebugStage]:
    trace = watch.trace
    return [
        DebugStage(
            stage=name,
            start_ms=_round((start - trace.started_ns) / NS_PER_MS),
            ms=_round((stop - start) / NS_PER_MS),
            wait_ms=_round(max(stop - start - ran, 0) / NS_PER_MS),
            threads=max(len({one.thread for one in watch.shares(start, stop)}), 1),
        )
        for (name, start, stop), ran in zip(trace.spans, trace.thread_ns, strict=True)
    ]


def _shares(watch: Watch) -> list[DebugShare]:
    trace = watch.trace
    return [
        DebugShare(
            thread=one.thread,
            stage=name,
            start_ms=_round((one.began_ns - trace.started_ns) / NS_PER_MS),
            ms=_round((one.ended_ns - one.began_ns) / NS_PER_MS),
        )
        for name, start, stop in trace.spans
        for one in watch.shares(start, stop)
    ]


def _sources(evidence: Evidence) -> list[DebugSource]:
    found = evidence.found
    offered = ~np.isnan(found.scores)
    together = offered.T.astype(np.int64) @ offered.astype(np.int64)
    alone = offered & (offered.sum(axis=1, keepdims=True) == 1)
    kept = np.isin(found.items, evidence.answer.candidates.items)
    return [
        DebugSource(
            source=name,
            offered=int(together[source, source]),
            kept=int(np.count_nonzero(offered[kept, source])),
            alone=int(np.count_nonzero(alone[:, source])),
            shared={
                other: int(together[source, place])
                for place, other in enumerate(found.sources)
                if place != source
            },
        )
        for source, name in enumerate(found.sources)
    ]


def _masks(evidence: Evidence) -> list[DebugMask]:
    brought = evidence.answer.query.candidates
    among = slice(None) if not brought else evidence.serving.snapshot.catalogue.ordinals(brought)
    masks = {name: mask[among] for name, mask in evidence.masks.items()}
    times = sum((mask.astype(np.int64) for mask in masks.values()), start=np.int64(0))
    return [
        DebugMask(name, int(np.count_nonzero(mask)), int(np.count_nonzero(mask & (times == 1))))
        for name, mask in masks.items()
    ]


def _items(evidence: Evidence, names: Sequence[str]) -> list[DebugItem]:
    answer, catalogue = evidence.answer, evidence.serving.snapshot.catalogue
    block, picks = answer.block, answer.slate.picks
    columns = evidence.serving.snapshot.scorer.columns
    rows = block.rows[picks].astype(np.float64).round(DIGITS).tolist()
    moves, weighing = answer.slate.moves or ("",) * len(picks), evidence.weighing
    values = _objectives(evidence, names)
    rankers = [
        contributions(ranker, block.rows, picks) for ranker in answer.plan.objectives.rankers
    ]
    items = []
    for index, pick in enumerate(picks.tolist()):
        place, by_score = index + 1, int(evidence.places[pick])
        because = int(answer.candidates.because[pick])
        items.append(
            DebugItem(
                item_id=catalogue.ids[answer.candidates.items[pick]],
                place=place,
                place_by_score=by_score,
                moved_by=moves[index] or ("" if by_score == place else weighing),
                stored=bool(block.present[pick]),
                because=catalogue.ids[because] if because >= 0 else None,
                provenance=_provenance(evidence, int(answer.candidates.items[pick])),
                features=dict(zip(columns, rows[index], strict=True)),
                objectives={name: _round(value[index]) for name, value in values.items()},
                attributions=[
                    _attribution(name, columns, found, index)
                    for name, found in zip(names, rankers, strict=True)
                ],
            )
        )
    return items


def _ranker_names(evidence: Evidence) -> list[str]:
    """Return the names of the objectives that are rankers, in their order."""
    plan = evidence.answer.plan
    others, weights = plan.objectives.others, plan.surface.scoring.objectives
    return [name for name, weight in weights.items() if weight and name not in others]


def _objectives(evidence: Evidence, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return each objective's values of the picks, float64[k], as far as the answer tells them."""
    answer = evidence.answer
    objectives, picks = answer.plan.objectives, answer.slate.picks
    rows = np.ascontiguousarray(answer.block.rows[picks])
    items, columns = answer.candidates.items[picks], evidence.serving.snapshot.scorer.columns
    values = {name: ranker(rows) for name, ranker in zip(names, objectives.rankers, strict=True)}
    for name in objectives.others:
        if name in (TREND, CTR):
            values[name] = np.empty(len(picks), np.float32)
            write = write_trend if name == TREND else write_ctr
            write(answer.context.live, items, values[name])
        elif name in columns:
            values[name] = rows[:, columns.index(name)]
    return {name: value.astype(np.float64) for name, value in values.items()}


def _provenance(evidence: Evidence, item: int) -> list[Provenance]:
    found = evidence.found
    row = row_of(found, item)
    if row is None:
        return []  # a source that came in time for the answer does not any more
    offered = [
        Provenance(name, _round(found.scores[row, source]), int(evidence.offers[row, source]))
        for source, name in enumerate(found.sources)
        if evidence.offers[row, source]
    ]
    return sorted(offered, key=lambda one: one.place)


def _attribution(
    name: str, columns: Sequence[str], found: Contributions, index: int
) -> Attribution:
    """Name an item's contributions, the largest first."""
    parts = found.values[index]
    largest = np.argsort(-np.abs(parts), kind="stable").tolist()
    return Attribution(
        objective=name,
        method=found.method,
        score=_round(found.base + parts.sum() + found.rest[index]),
        base=_round(found.base),
        rest=_round(found.rest[index]),
        contributions={
            columns[place]: rounded for place in largest if (rounded := _round(parts[place]))
        },
    )


def _round(number: float) -> float:
    return round(float(number), DIGITS)
