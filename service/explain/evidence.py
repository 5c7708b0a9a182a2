"""What an explanation looks at: the values of one answer, and what can be worked out from them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.types import Candidates, Mask
from ranking.topk import top_k
from service.answer import Answer
from service.explain.masks import masks_of
from service.observe.spans import Trace
from service.stages import Means, found_of
from service.state import Serving


@dataclass(frozen=True)
class Evidence:
    """One answer and the snapshot it is of. What is worked out is worked out once."""

    answer: Answer
    serving: Serving

    @cached_property
    def masks(self) -> dict[str, Mask]:
        """The masks in use, by name."""
        answer = self.answer
        return masks_of(answer.query, answer.plan, answer.context, self.serving)

    @cached_property
    def found(self) -> Candidates:
        """The candidates as they were before the light phase.

        Where there is one the sources are asked again: they are functions of the context, so they
        say the same, unless one of them came too late.
        """
        answer = self.answer
        query, plan, context = answer.query, answer.plan, answer.context
        if query.candidates or plan.surface.scoring.light_keeps is None:
            return answer.candidates
        return found_of(query, plan, context, self.serving, Means(Trace()))[0]

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Each candidate's place by its score, from 1: int64[n]."""
        scores = self.answer.scores
        places = np.empty(len(scores), np.int64)
        places[top_k(scores, len(scores))] = np.arange(1, len(scores) + 1)
        return places

    @cached_property
    def offers(self) -> NDArray[np.int64]:
        """The place of each of `found` in each source's offer, from 1: int64[n, s]; 0: none."""
        columns = self.found.scores
        places = np.zeros(columns.shape, np.int64)
        for source in range(columns.shape[1]):
            offered = np.flatnonzero(~np.isnan(columns[:, source]))
            best = np.argsort(-columns[offered, source], kind="stable")
            places[offered[best], source] = np.arange(1, len(offered) + 1)
        return places

    @cached_property
    def weighing(self) -> str:
        """Names of what weighs all candidates anew, besides rules that put items where they are."""
        query, plan = self.answer.query, self.answer.plan
        served = plan.surface.filters.served
        names = {
            "boosts": bool(query.boosts) or plan.rules.lift is not None,
            "rotation": served is not None and served.discount < 1,
            "function": plan.rules.function is not None,
            "diversity": query.diversity > 0,
        }
        return " and ".join(name for name, used in names.items() if used)

    @cached_property
    def lowest(self) -> float | None:
        """The lowest score in the slate; None of an empty one."""
        scores = self.answer.slate.scores
        return float(scores.min()) if len(scores) else None


def row_of(candidates: Candidates, item: int) -> int | None:
    """Return where an item stands among candidates; None where it is none of them."""
    at = int(np.searchsorted(candidates.items, item))
    return at if at < len(candidates.items) and candidates.items[at] == item else None
