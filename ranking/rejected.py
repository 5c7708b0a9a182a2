"""Why an artifact is not used."""

from pathlib import Path
from typing import Final

LONGEST: Final = 400
"""Characters of a fault that are told: whoever made the artifact chose some of them."""


class ArtifactRejected(Exception):
    """An artifact is not whole, not of this format, or contradicts itself."""

    def __init__(self, file: Path, fault: str, remedy: str = "publish the artifact again") -> None:
        super().__init__(f"{_plain(str(file))}: {_plain(fault)}; {remedy}")
        self.file = file


def _plain(words: str) -> str:
    """Return words that cannot forge a line of a log, or steer a terminal."""
    short = words if len(words) <= LONGEST else f"{words[:LONGEST]}…"
    return "".join(one if one.isprintable() else "?" for one in short)
