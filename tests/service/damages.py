"""What may be wrong with an artifact: how it comes about, and the word that names it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.sealing import reseal, rewrite, write_bomb
from tests.service.models import rewrite_forest, rewrite_line

type Damage = Callable[[Path], None]


def flipped_bit(artifact: Path) -> None:
    content = bytearray((artifact / "embeddings.npy").read_bytes())
    content[len(content) // 2] ^= 1
    (artifact / "embeddings.npy").write_bytes(content)


def truncated(artifact: Path) -> None:
    content = (artifact / "ranker.txt").read_bytes()
    (artifact / "ranker.txt").write_bytes(content[: len(content) // 2])


def missing(artifact: Path) -> None:
    (artifact / "popularity.npy").unlink()


def linked(artifact: Path) -> None:
    (artifact / "ranker.txt").rename(artifact.parent / "elsewhere")
    (artifact / "ranker.txt").symlink_to(artifact.parent / "elsewhere")


def no_json(artifact: Path) -> None:
    (artifact / "manifest.json").write_bytes(b"{" * 100_000)


def altered(artifact: Path) -> None:
    manifest = json.loads((artifact / "manifest.json").read_bytes())
    manifest["columns"]["ranker"].reverse()
    (artifact / "manifest.json").write_text(json.dumps(manifest))


def traversing(artifact: Path) -> None:
    outside = {"../../../etc/passwd": {"sha256": "", "bytes": 0}}
    rewrite(artifact, lambda manifest: manifest["files"].update(outside))


def pickled(artifact: Path) -> None:
    write_bomb(artifact / "popularity.npy", 60)
    reseal(artifact)


def not_a_number(artifact: Path) -> None:
    array = np.load(artifact / "embeddings.npy")
    array[3, 3] = np.nan
    np.save(artifact / "embeddings.npy", array)
    reseal(artifact)


def beyond_the_catalogue(artifact: Path) -> None:
    array = np.load(artifact / "neighbours.npy")
    array[0, 0] = 10**6
    np.save(artifact / "neighbours.npy", array)
    reseal(artifact)


def cyclic(artifact: Path) -> None:
    to_the_root = rewrite_line("left_child", lambda children: ["0", *children[1:]])
    rewrite_forest(artifact, to_the_root)


def leaf_of_no_number(artifact: Path) -> None:
    rewrite_forest(artifact, rewrite_line("leaf_value", lambda values: ["nan", *values[1:]]))


def feature_beyond(artifact: Path) -> None:
    rewrite_forest(artifact, rewrite_line("split_feature", lambda names: ["999", *names[1:]]))


def other_schema(artifact: Path) -> None:
    rewrite(artifact, lambda manifest: manifest["schemas"]["item"]["features"].pop())


def other_columns(artifact: Path) -> None:
    rewrite(artifact, lambda manifest: manifest["columns"]["ranker"].reverse())


def other_name(artifact: Path) -> None:
    rewrite(artifact, lambda manifest: manifest.update(version="2020-01-01-1"))


def item_columns_swapped(artifact: Path) -> None:
    rewrite(artifact, lambda manifest: manifest["columns"]["item"].reverse())


def user_column_renamed(artifact: Path) -> None:
    def rename(manifest: dict[str, Any]) -> None:
        manifest["schemas"]["user"]["features"][0]["name"] = "wage"

    rewrite(artifact, rename)


def shape_without_end(artifact: Path) -> None:
    def widen(manifest: dict[str, Any]) -> None:
        manifest["schemas"]["item"]["features"][0]["shape"] = [10**15]

    rewrite(artifact, widen)


def never_written_to(artifact: Path) -> None:
    (artifact / "ranker.txt").unlink()
    os.mkfifo(artifact / "ranker.txt")


def endless(artifact: Path) -> None:
    os.truncate(artifact / "manifest.json", 1 << 40)


def too_large(artifact: Path) -> None:
    os.truncate(artifact / "embeddings.npy", 1 << 40)
    seal = {"sha256": "", "bytes": 1 << 40}
    rewrite(artifact, lambda manifest: manifest["files"].update({"embeddings.npy": seal}))


def newer_format(artifact: Path) -> None:
    rewrite(artifact, lambda manifest: manifest.update(format=2))


def named_twice(artifact: Path) -> None:
    path = artifact / "manifest.json"
    path.write_text(path.read_text().replace('"files"', '"files": {}, "files"', 1))


def no_text(artifact: Path) -> None:
    path = artifact / "catalogue.json"
    path.write_bytes(path.read_bytes().replace(b"Item", b"\xff\xfe", 1))
    reseal(artifact)


def sign_lost(artifact: Path) -> None:
    def negated(values: list[str]) -> list[str]:
        return [value[1:] if value.startswith("-") else f"-{value}" for value in values]

    rewrite_forest(artifact, rewrite_line("leaf_value", negated))


def indifferent(artifact: Path) -> None:
    rewrite_forest(artifact, rewrite_line("leaf_value", lambda values: ["0.5"] * len(values)))


def columns_shuffled(artifact: Path) -> None:
    """Have every split ask about another column, as a trainer that mixes them up would."""
    count = len(json.loads((artifact / "manifest.json").read_bytes())["columns"]["ranker"])
    places = np.random.default_rng(3).permutation(count)
    to_others = rewrite_line("split_feature", lambda names: [str(places[int(n)]) for n in names])
    rewrite_forest(artifact, to_others)


DAMAGED: dict[Damage, str] = {
    flipped_bit: "sha256",
    truncated: "the manifest says",
    missing: "cannot be read",
    linked: "symbolic link",
    no_json: "is not JSON",
    altered: "changed since",
    traversing: "unexpected or missing files",
    pickled: "is |O",
    not_a_number: "not finite",
    beyond_the_catalogue: "ordinal outside",
    cyclic: "tree 0",
    leaf_of_no_number: "leaf_value",
    feature_beyond: "feature beyond",
    other_schema: "columns.item",
    item_columns_swapped: "columns.item",
    user_column_renamed: "columns.user",
    shape_without_end: "schemas.item",
    never_written_to: "is no file",
    endless: "more than 16777216",
    too_large: "half of the memory",
    newer_format: "format 1",
    named_twice: "stands twice",
    no_text: "not a list of items",
    other_columns: "in the model",
}
"""Refused while it is read: none of it has come to a kernel."""

UNFIT: dict[Damage, str] = {
    sign_lost: "worse than chance",
    indifferent: "degenerate",
    columns_shuffled: "training saw",
}
"""Whole, and it loads, but it ranks badly."""

MISNAMED: dict[Damage, str] = {other_name: "rename it"}
"""Whole and good, but another version than its folder says."""
