"""What a surface says of its slates: the rules that re-ranking keeps."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of one surface's slates."""

    diversity: Annotated[float, Meta(ge=0, le=1)] = 0.3
