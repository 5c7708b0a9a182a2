"""What a request came to, whole: what is sent, logged and explained is read off it."""

from dataclasses import dataclass

from features.store import UserRecord
from features.types import Candidates, Context, FeatureBlock, Query, Scores, Slate
from service.surfaces.plan import Plan


@dataclass(frozen=True, slots=True)
class Answer:
    """The slate, and every value on the way to it."""

    query: Query
    plan: Plan
    user: UserRecord | None
    context: Context
    candidates: Candidates
    block: FeatureBlock
    scores: Scores
    slate: Slate
