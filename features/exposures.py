"""Who saw which arm of an experiment: one record for each request that was served under one."""

from typing import Final

import msgspec

from features import keys
from features.resp import command

EXPOSURES_KEPT: Final = 1_000_000
"""About; what is older is only in exports (docs/experiments.md)."""

FIELD: Final = "exposure"


class Exposure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A user was shown a slate: ``experiment`` is the salt, ``variant`` the arm's name.

    ``timestamp_ms`` is milliseconds since the epoch, when the answer was made. ``teams`` says of
    the items of a drafted slate, in their places, who put each there: 0 the surface's own slate, 1
    the variant's, -1 neither.
    """

    user_id: str
    surface: str
    experiment: str
    variant: str
    request_id: str
    timestamp_ms: int
    teams: dict[str, int] = {}


_encode = msgspec.json.Encoder().encode


def exposure_command(exposure: Exposure) -> bytes:
    """Return the command that puts an exposure into the stream."""
    words = (FIELD, _encode(exposure))
    return command("XADD", keys.EXPOSURES, "MAXLEN", "~", EXPOSURES_KEPT, "*", *words)
