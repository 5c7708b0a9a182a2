"""Artifacts that somebody has changed and sealed anew, as a hostile or careless publisher would."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from ranking.manifest import digest

# Calls pytest.fail for whoever opens it. Written by hand: nothing here makes pickles, either.
BOMB = b"cpytest\nfail\n(S'the pickle was opened'\ntR."


def reseal(folder: Path) -> None:
    """Vouch anew for whatever now stands in the artifact."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for name in manifest["files"]:
        content = (folder / name).read_bytes()
        manifest["files"][name] = {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    rewrite(folder, lambda old: old.update(manifest))


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest, and have it vouch for itself again."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    change(manifest)
    manifest["sha256"] = digest(manifest)
    path.write_text(json.dumps(manifest))


def write_bomb(path: Path, count: int) -> None:
    """Write an array of objects, as .npy has them: a header, and a pickle behind it."""
    with path.open("wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": (count,)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(BOMB)
