"""Which artifact a path means."""

import re
from pathlib import Path

from ranking.artifact import ArtifactRejected

_VERSION = re.compile(r"(\d+)-(\d+)-(\d+)-(\d+)")


def locate(path: Path) -> Path:
    """Return the artifact at ``path``, or the newest one of the folder of artifacts it is.

    Raises:
        ArtifactRejected: there is neither.
    """
    if (path / "manifest.json").is_file():
        return path
    published = [child.parent for child in path.glob("*/manifest.json")]
    if not published:
        raise ArtifactRejected(path, "holds no artifact", "make one with `braid train`")
    return max(published, key=_age)


def _age(path: Path) -> tuple[int, ...]:
    """Order versions as numbers: the tenth of a day is younger than the ninth."""
    match = _VERSION.fullmatch(path.name)
    return tuple(map(int, match.groups())) if match else ()
