"""What training saw of a model's scores, kept beside it: whoever loads it must see the same."""

from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ranking.rejected import ArtifactRejected

QUANTILES: Final = 11
"""Least, every tenth of the scores, most."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the golden requests showed when the model was published: see `ranking.golden`.

    ``place`` is the mean of `Findings.place`, ``scores`` are `Findings.quantiles`.
    """

    place: Annotated[float, Meta(ge=0, le=1)]
    scores: Annotated[tuple[float, ...], Meta(min_length=QUANTILES, max_length=QUANTILES)]

    @property
    def spread(self) -> float:
        """How far apart the scores are, without the tenth at either end."""
        return self.scores[-2] - self.scores[1]


def record(path: Path, document: object) -> Record | None:
    """Return what a manifest says of it; None where it says nothing, as older ones do.

    Raises:
        ArtifactRejected: names path, which is only for the message.
    """
    if document is None:
        return None
    try:
        return msgspec.convert(document, Record)
    except msgspec.ValidationError as fault:
        raise ArtifactRejected(path, f"golden is no record ({fault})") from fault
