"""From an artifact to a shelf: everything is verified, and what serving derives is written down."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

import features.codec
import features.item_table
import features.keys
import ranking.attributes
import ranking.filters.table
import ranking.lanes
import ranking.names
import ranking.packed
import ranking.scan.sketch
import ranking.scan.stride
import ranking.snapshot
from features.item_table import ItemTable
from features.schema import Schema
from ranking.artifact import Parts, checked_parts, snapshot_of, stated_files
from ranking.catalogue import Catalogue
from ranking.contents import ARRAYS, OPTIONAL
from ranking.filters.table import Labels, Numbers, Table, Unfit
from ranking.folder import opened
from ranking.manifest import OTHER, check_room, sealed
from ranking.names import Names
from ranking.packed import Packed, as_record, packed_texts
from ranking.records import pieces, user_ids
from ranking.rejected import ArtifactRejected
from service.cores import cores
from service.mapped.shelf import contents, created, put, seal

LARGE: Final = ARRAYS.keys() | OPTIONAL.keys()
"""The files that are mapped; the others are small, and read each time."""

TEXT: Final = ("catalogue.json", "store/users.json")
"""Files whose content is kept in another form."""

DERIVED: Final = ("directions", "popular", "newest", "numbers", "attributes")
"""The derived arrays of a snapshot."""

_MODULES: Final = (
    features.codec,
    features.item_table,
    features.keys,
    ranking.attributes,
    ranking.filters.table,
    ranking.lanes,
    ranking.names,
    ranking.packed,
    ranking.scan.sketch,
    ranking.scan.stride,
    ranking.snapshot,
)
_CHUNK: Final = 1 << 22


def code() -> str:
    """Return a digest of the code that derives what a shelf holds: other code makes it anew."""
    digest = sha256()
    for module in _MODULES:
        digest.update(Path(str(module.__file__)).read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


def lay_out(artifact: Path, folder: Path) -> None:
    """Verify the artifact, and write to an empty folder all that serves it, as arrays.

    A large file is hashed while it is copied, and what is looked at is the copy, which nobody else
    writes to: so what was hashed is what is used.

    Raises:
        ArtifactRejected: as `ranking.artifact.read` does; OSError: the disk.
    """
    manifest, sizes = stated_files(artifact)
    check_room(artifact, {name: size for name, size in sizes.items() if name not in LARGE})
    large = [name for name in sizes if name in LARGE]
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(lambda name: _copy(artifact, name, manifest, folder), large))
    files = contents(folder, large)
    files |= {name: sealed(artifact, name, manifest) for name in sizes if name not in LARGE}
    items = _catalogue(artifact / TEXT[0], files, folder)
    users = user_ids(artifact / TEXT[1], bytes(files[TEXT[1]]))
    parts = checked_parts(artifact, manifest, files, items, users)
    _put_names(folder, "users", Names(users))
    with ThreadPoolExecutor(cores()) as pool:  # each goes through all items, and shares nothing
        columns = pool.submit(_put_table, folder, items.properties)
        keys = pool.submit(_put_keys, folder, parts)
        sketch = pool.submit(_put_derived, folder, artifact, parts)
    facts = {
        "users": len(users),
        "sketch": sketch.result(),
        "items": keys.result(),
        "columns": columns.result(),
    }
    seal(folder, manifest["sha256"], code(), facts)


def _copy(artifact: Path, name: str, manifest: Mapping[str, Any], folder: Path) -> None:
    stated = manifest["files"][name]
    digest = sha256()
    with (
        opened(artifact, name, size=stated["bytes"]) as (file, _),
        open(file, "rb", closefd=False, buffering=0) as source,
        created(folder, name) as target,
    ):
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
    if digest.hexdigest() != stated.get("sha256"):
        raise ArtifactRejected(artifact / name, OTHER)


def _catalogue(path: Path, files: dict[str, Any], folder: Path) -> Catalogue:
    """Return the catalogue, packed; its text is done with."""
    names, text, starts = pieces(path, files.pop(TEXT[0]))
    files[TEXT[0]] = b""
    _put_names(folder, "items", names)
    put(folder, "derived/properties.npy", text)
    put(folder, "derived/property_starts.npy", starts)
    return Catalogue.known(packed_texts(names), Packed(text, starts, as_record), names)


def _put_names(folder: Path, kind: str, names: Names) -> None:
    put(folder, f"derived/{kind}.npy", names.text)
    put(folder, f"derived/{kind}_table.npy", names.table)
    put(folder, f"derived/{kind}_starts.npy", packed_texts(names).starts)


def _put_derived(folder: Path, artifact: Path, parts: Parts) -> dict[str, int] | None:
    """Derive what a snapshot does, and return what its sketch is, if it has one."""
    snapshot = snapshot_of(artifact, parts)
    for name in DERIVED:
        put(folder, f"derived/{name}.npy", getattr(snapshot, name))
    sketch = snapshot.sketch
    if sketch is None:
        return None
    put(folder, "derived/sketch_cells.npy", sketch.cells)
    put(folder, "derived/sketch_turn.npy", sketch.turn)
    return {"size": sketch.size, "stride": sketch.stride}


def _put_keys(folder: Path, parts: Parts) -> dict[str, int]:
    table = ItemTable(parts.catalogue.ids, Schema.parse(parts.manifest["schemas"]["item"]))
    for name, array in table.arrays.items():
        put(folder, f"derived/key_{name}.npy", array)
    return {"longest": table.longest}


def _put_table(folder: Path, properties: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    table, columns = Table.of(properties), []
    for number, (name, column) in enumerate(table.columns.items()):
        stem, kind = f"columns/{number}", type(column).__name__
        told: dict[str, Any] = {"name": name, "kind": kind}
        match column:
            case Numbers(values):
                put(folder, f"{stem}_values.npy", values)
            case Labels(codes, starts, items, present):
                told["labels"] = len(codes)
                try:
                    _put_names(folder, f"column_{number}", Names(tuple(codes)))
                except ValueError as fault:
                    raise ArtifactRejected(
                        folder, f"the property {name!r} holds a NUL character", "take it out"
                    ) from fault
                arrays: dict[str, NDArray[Any]] = {
                    "starts": starts,
                    "items": items,
                    "present": present,
                }
                for part, array in arrays.items():
                    put(folder, f"{stem}_{part}.npy", array)
            case Unfit(reason):
                told["reason"] = reason
        columns.append(told)
    return columns
