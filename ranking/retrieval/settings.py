"""What a surface says of its sources."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

LARGEST_QUOTA = 2000
LONGEST_LIST = 10_000


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many candidates a source may offer, and how long it may take.

    ``function`` is ``module:function`` of a source of the user's own, ``items`` an editorial list
    of item ids, the best first: either has any name. Without them the name is one of
    `ranking.retrieval.SOURCES`. ``explore`` is the share of "latest" that is drawn by lot from the
    new. What is not there after ``deadline_ms`` is left out; without it a function has what is left
    of the request's time, and Braid's own sources are waited for.
    """

    quota: Annotated[int, Meta(ge=1, le=LARGEST_QUOTA)]
    deadline_ms: Annotated[float, Meta(gt=0, le=10_000)] | None = None
    function: str | None = None
    items: Annotated[tuple[str, ...], Meta(min_length=1, max_length=LONGEST_LIST)] | None = None
    explore: Annotated[float, Meta(ge=0, le=1)] | None = None


DEFAULT: Final = {
    "vector": SourceSettings(quota=200),
    "cooccurrence": SourceSettings(quota=200),
    "popularity": SourceSettings(quota=100),
}
"""The sources of a surface that names none, and those that models are learnt from."""
