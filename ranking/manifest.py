"""An artifact's manifest, and the bytes that it vouches for."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1

REQUIRED: Final = {"version": str, "schemas": dict, "columns": dict, "files": dict, "sha256": str}


class ArtifactRejected(Exception):
    """An artifact is not whole, not of this format, or contradicts itself."""

    def __init__(self, file: Path, fault: str, remedy: str = "publish the artifact again") -> None:
        super().__init__(f"{file}: {fault}; {remedy}")
        self.file = file


def digest(manifest: Mapping[str, Any]) -> str:
    """Return the sha256 that a manifest must state of itself, over all its other entries."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def verified(
    folder: Path, required: frozenset[str], optional: frozenset[str], open_ended: re.Pattern[str]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest and every file's content: the very bytes whose digest agreed.

    The files must be the required ones and may be the optional ones, or any whose whole name
    ``open_ended`` matches. Neither these lists nor the pattern may let a name lead out of the
    folder: the manifest's author might like it to.

    Raises:
        ArtifactRejected: names the file, the fault and the remedy.
    """
    path = folder / "manifest.json"
    manifest = decode(path, _content(path))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ArtifactRejected(path, f"is not an artifact of format {FORMAT}", "train it again")
    for key, kind in REQUIRED.items():
        if not isinstance(manifest.get(key), kind):
            raise ArtifactRejected(path, f"{key!r} is missing or no {kind.__name__}")
    if manifest["sha256"] != digest(manifest):
        raise ArtifactRejected(path, "has been changed since it was published")
    names = set(manifest["files"])
    unknown = {name for name in names - required - optional if not open_ended.fullmatch(name)}
    if unknown or not required <= names:
        odd = sorted((required - names) | unknown)
        raise ArtifactRejected(path, f"unexpected or missing files: {', '.join(odd)}")
    return manifest, {name: _sealed(folder / name, manifest["files"][name]) for name in names}


def decode(path: Path, content: bytes) -> Any:
    """Return the JSON document in content."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as fault:
        raise ArtifactRejected(path, f"is not JSON ({fault})") from fault


def _sealed(path: Path, seal: object) -> bytes:
    if not isinstance(seal, dict) or not isinstance(seal.get("bytes"), int):
        raise ArtifactRejected(path, "has no size in the manifest")
    content = _content(path, limit=seal["bytes"])
    if sha256(content).hexdigest() != seal.get("sha256"):
        raise ArtifactRejected(path, "its sha256 is not the one in the manifest")
    return content


def _content(path: Path, limit: int | None = None) -> bytes:
    if path.is_symlink() or path.parent.is_symlink():
        raise ArtifactRejected(path, "is a symbolic link", "put the file itself there")
    try:
        size = path.stat().st_size
        if limit is not None and size != limit:
            raise ArtifactRejected(path, f"has {size} bytes, the manifest says {limit}")
        return path.read_bytes()
    except OSError as fault:
        raise ArtifactRejected(path, f"cannot be read ({fault.strerror})") from fault
