"""`braid layout`."""

from pathlib import Path
from time import perf_counter

from service.artifacts import locate
from service.mapped import MappedModels
from service.terminal.console import console


def layout(*, mapped: Path, artifact: Path = Path("artifacts")) -> None:
    """Lay a model out to be mapped, before a replica that has the same `--mapped` starts.

    Parameters
    ----------
    mapped
        The folder of the machine's replicas.
    artifact
        An artifact, or a folder of artifacts, of which the newest is taken.

    """
    folder, began = locate(artifact), perf_counter()
    with console.status(f"laying out {folder.name}"):
        loaded = MappedModels(mapped).read(folder)
    items = len(loaded.snapshot.catalogue)
    console.print(f"{folder.name}, {items} items, is there: {perf_counter() - began:.1f} s")
