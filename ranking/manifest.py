"""An artifact's manifest, and the bytes that it vouches for."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ranking.folder import content
from ranking.rejected import ArtifactRejected
from ranking.room import needed, room

FORMAT: Final = 1
LARGEST_MANIFEST: Final = 16 << 20
"""Bytes: it holds names and sizes, and what training measured."""

OTHER: Final = "its sha256 is not the one in the manifest"
REQUIRED: Final = {"version": str, "schemas": dict, "columns": dict, "files": dict, "sha256": str}


def digest(manifest: Mapping[str, Any]) -> str:
    """Return the sha256 that a manifest must state of itself, over all its other entries."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def verified(
    folder: Path, required: frozenset[str], optional: frozenset[str], open_ended: re.Pattern[str]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest and every file's content: the very bytes whose digest agreed.

    Raises:
        ArtifactRejected: as `stated` does; or a file is not what the manifest says, or too large.
    """
    manifest, sizes = stated(folder, required, optional, open_ended)
    check_room(folder, sizes)
    return manifest, {name: sealed(folder, name, manifest) for name in sizes}


def stated(
    folder: Path, required: frozenset[str], optional: frozenset[str], open_ended: re.Pattern[str]
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the manifest, and the size in bytes that it states of every other file.

    The files must be the required ones and may be the optional ones, or any whose whole name
    ``open_ended`` matches. Neither these lists nor the pattern may let a name lead out of the
    folder: the manifest's author might like it to.

    Raises:
        ArtifactRejected: names the file, the fault and the remedy.
    """
    path = folder / "manifest.json"
    manifest = _document(path, content(folder, path.name, most=LARGEST_MANIFEST))
    form = manifest.get("format") if isinstance(manifest, dict) else None
    if type(form) is not int or form != FORMAT:  # true is 1 as well
        raise ArtifactRejected(path, f"is not an artifact of format {FORMAT}", "train it again")
    for key, kind in REQUIRED.items():
        if not isinstance(manifest.get(key), kind):
            raise ArtifactRejected(path, f"{key!r} is missing or no {kind.__name__}")
    try:
        changed = manifest["sha256"] != digest(manifest)
    except RecursionError as fault:
        raise ArtifactRejected(path, f"is nested too deep ({fault})") from fault
    if changed:
        raise ArtifactRejected(path, "has been changed since it was published")
    names = set(manifest["files"])
    unknown = {name for name in names - required - optional if not open_ended.fullmatch(name)}
    if unknown or not required <= names:
        odd = sorted((required - names) | unknown)
        raise ArtifactRejected(path, f"unexpected or missing files: {', '.join(odd)}")
    sizes = {name: _size(folder / name, seal) for name, seal in manifest["files"].items()}
    return manifest, sizes


def check_room(folder: Path, sizes: Mapping[str, int]) -> None:
    """Return if there is memory to read files of these sizes, by their names.

    Raises:
        ArtifactRejected: there is not.
    """
    if needed(sizes) > room():
        raise ArtifactRejected(
            folder / "manifest.json",
            f"takes about {needed(sizes)} bytes, more than half of the memory there is",
            "publish a smaller one",
        )


def _document(path: Path, text: bytes) -> Any:
    """Return the JSON document, which says nothing twice, and nothing that is not JSON."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as fault:
        raise ArtifactRejected(path, f"is not JSON ({fault})") from fault


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _size(path: Path, seal: object) -> int:
    size = seal.get("bytes") if isinstance(seal, dict) else None
    if type(size) is not int or size < 0:
        raise ArtifactRejected(path, "has no size in the manifest")
    return size


def sealed(folder: Path, name: str, manifest: Mapping[str, Any]) -> bytes:
    """Read a file once: what was hashed is what is used, whatever happens to the file then.

    Raises:
        ArtifactRejected: it is not what the manifest says.
    """
    seal = manifest["files"][name]
    found = content(folder, name, size=seal["bytes"], most=seal["bytes"])
    if sha256(found).hexdigest() != seal.get("sha256"):
        raise ArtifactRejected(folder / name, OTHER)
    return found
