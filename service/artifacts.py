"""Which artifact a path or a version means."""

import re
from pathlib import Path

from ranking.artifact import ArtifactRejected

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}")
"""What a client can ask for; a name of other bytes could not even be listed."""
_VERSION = re.compile(r"(\d+)-(\d+)-(\d+)-(\d+)")


def locate(path: Path) -> Path:
    """Return the artifact at ``path``, or the newest one of the folder of artifacts it is.

    Raises:
        ArtifactRejected: there is neither.
    """
    if (path / "manifest.json").is_file():
        return path
    published = versions(path)
    if not published:
        raise ArtifactRejected(path, "holds no artifact", "make one with `braid train`")
    return path / published[0]


def versions(folder: Path) -> list[str]:
    """Return the versions of the artifacts in a folder, the newest first."""
    found = [child.parent for child in folder.glob("*/manifest.json")]
    visible = [path for path in found if _NAME.fullmatch(path.name)]  # dots: half published
    return [path.name for path in sorted(visible, key=_age, reverse=True)]


def find(folder: Path, version: str) -> Path | None:
    """Return the artifact of that version, if there is one; no version leads out of the folder."""
    return folder / version if version in versions(folder) else None


def _age(path: Path) -> tuple[int, ...]:
    """Order versions as numbers: the tenth of a day is younger than the ninth."""
    match = _VERSION.fullmatch(path.name)
    return tuple(map(int, match.groups())) if match else ()
