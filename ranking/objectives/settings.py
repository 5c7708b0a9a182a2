"""What a surface ranks by."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

MODEL: Final = "model"

type Weight = Annotated[float, Meta(ge=-1000, le=1000)]


class ScoringSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How candidates are scored.

    ``light_keeps`` is how many of the best by the fused rankings of the sources go on to the model;
    None lets all of them. ``light_weights`` are the sources' say in that, by name, laid over
    `ranking.retrieval.fuse.FUSION_WEIGHTS`. ``objectives`` are weights by name (docs/scoring.md);
    `MODEL` is the artifact's scorer.
    """

    light_keeps: Annotated[int, Meta(ge=1, le=5000)] | None = None
    light_weights: dict[str, Annotated[float, Meta(ge=0, le=1000)]] = {}
    objectives: Annotated[dict[str, Weight], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: {MODEL: 1.0}
    )
