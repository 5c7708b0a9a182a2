"""From a shelf to what serves: nothing is read but what is small, the rest is mapped."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from features.item_table import ItemTable
from features.schema import Schema
from ranking.artifact import Parts, StoredRows, snapshot_of, stated_files, stored_of
from ranking.catalogue import Catalogue
from ranking.filters import Table
from ranking.filters.table import Column, Labels, Numbers, Unfit
from ranking.manifest import sealed
from ranking.names import Names
from ranking.packed import Codes, Packed, as_raw, as_record, as_text
from ranking.record import record
from ranking.room import room
from ranking.scan.sketch import Sketch
from ranking.snapshot import Snapshot
from service.mapped.kept import Kept
from service.mapped.lay_out import DERIVED, LARGE, TEXT, code
from service.mapped.shelf import Seal, look_at, mapped_array, populate

type Arrays = dict[str, NDArray[Any]]

HOT = ("embeddings.npy", "derived/sketch_cells.npy", "derived/items_table.npy")
"""What every request reads all over: it is mapped before the first one comes."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model, and the rows and histories that come with it.

    ``kept`` is what serving need not derive; None where the model is this process's own.
    """

    snapshot: Snapshot
    stored: StoredRows
    kept: Kept | None = None


def take_up(artifact: Path, folder: Path) -> Loaded | None:
    """Return the artifact's model as the shelf has it; None where it has it not, or another's.

    Raises:
        ArtifactRejected: the manifest or a ranker of the artifact is not as published, or an
            array of the shelf is not the file that was written there.
    """
    manifest, sizes = stated_files(artifact)
    shelf = look_at(folder)
    if shelf is None or (shelf.manifest, shelf.code) != (manifest["sha256"], code()):
        return None
    arrays = {name: mapped_array(folder, name, known) for name, known in shelf.arrays.items()}
    hot = [arrays[name] for name in HOT if name in arrays]
    if sum(array.nbytes for array in hot) <= room():  # else they would push each other out
        for array in hot:
            populate(array)
    names = _names(arrays, "items", len(arrays["popularity.npy"]))
    text, starts = arrays["derived/properties.npy"], arrays["derived/property_starts.npy"]
    seen = record(artifact / "manifest.json", manifest.get("golden"))
    parts = Parts(
        manifest,
        {name: sealed(artifact, name, manifest) for name in sizes if name not in {*LARGE, *TEXT}},
        Catalogue.known(_texts(arrays, "items"), Packed(text, starts, as_record), names),
        _texts(arrays, "users"),
        {name: array for name, array in arrays.items() if name in LARGE},
        seen,
    )
    derived: dict[str, Any] = {name: arrays[f"derived/{name}.npy"] for name in DERIVED}
    snapshot = snapshot_of(artifact, parts, {**derived, "sketch": _sketch(arrays, shelf)})
    schema = Schema.parse(snapshot.schemas["item"])
    keys = {name: arrays[f"derived/key_{name}.npy"] for name in ItemTable.ARRAYS}
    kept = Kept(
        ItemTable.restored(keys, shelf.facts["items"]["longest"], schema),
        _table(arrays, shelf, len(names)),
        Packed(text, starts, as_raw),
    )
    return Loaded(snapshot, stored_of(parts), kept)


def _names(arrays: Arrays, kind: str, size: int) -> Names:
    return Names.of(arrays[f"derived/{kind}.npy"], size, arrays[f"derived/{kind}_table.npy"])


def _texts(arrays: Arrays, kind: str) -> Packed[str]:
    return Packed(arrays[f"derived/{kind}.npy"], arrays[f"derived/{kind}_starts.npy"], as_text)


def _sketch(arrays: Arrays, shelf: Seal) -> Sketch | None:
    told = shelf.facts["sketch"]
    if told is None:
        return None
    cells, turn = arrays["derived/sketch_cells.npy"], arrays["derived/sketch_turn.npy"]
    return Sketch(told["size"], cells, told["stride"], turn)


def _table(arrays: Arrays, shelf: Seal, size: int) -> Table:
    found: dict[str, Column] = {}
    for number, told in enumerate(shelf.facts["columns"]):
        stem = f"columns/{number}"
        match told["kind"]:
            case "Numbers":
                found[told["name"]] = Numbers(arrays[f"{stem}_values.npy"])
            case "Labels":
                kind = f"column_{number}"
                found[told["name"]] = Labels(
                    Codes(_texts(arrays, kind), _names(arrays, kind, told["labels"])),
                    arrays[f"{stem}_starts.npy"],
                    arrays[f"{stem}_items.npy"],
                    arrays[f"{stem}_present.npy"],
                )
            case _:
                found[told["name"]] = Unfit(told["reason"])
    return Table(size, found)
