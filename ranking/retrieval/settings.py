"""What a surface says of one source."""

from typing import Annotated

import msgspec
from msgspec import Meta

LARGEST_QUOTA = 2000


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many candidates a source may offer, and how long it may take.

    ``function`` is ``module:function`` of a source of the user's own; without it the name is one
    of `ranking.retrieval.SOURCES`.
    """

    quota: Annotated[int, Meta(ge=1, le=LARGEST_QUOTA)]
    deadline_ms: Annotated[float, Meta(gt=0, le=10_000)] | None = None
    function: str | None = None
