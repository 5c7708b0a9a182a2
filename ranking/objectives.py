"""What a surface ranks by."""

from typing import Annotated

import msgspec
from msgspec import Meta

MODEL = "model"


class ScoringSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How candidates are scored.

    ``light_keeps`` is how many of the best by the fused rankings of the sources go on to the model;
    None lets all of them. ``objectives`` are weights by name; `MODEL` is the artifact's scorer.
    """

    light_keeps: Annotated[int, Meta(ge=1, le=5000)] | None = None
    objectives: dict[str, float] = msgspec.field(default_factory=lambda: {MODEL: 1.0})
