"""A real artifact, learnt from a small world, then damaged in every way that we could think of."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.schema import Schema
from ranking.artifact import ArtifactRejected, read, read_store
from ranking.contents import ARRAYS, FILES, FOREST, OPTIONAL, SEGMENTS
from tests.sealing import reseal, rewrite, write_bomb
from tests.training.worlds import small_world
from training.train import learn, train

WORLD = small_world()
PUBLISHED = FILES | {FOREST} | set(OPTIONAL)
KINDS = ARRAYS | OPTIONAL


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(WORLD, tmp_path_factory.mktemp("artifacts"))


@pytest.fixture
def copy(published: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return shutil.copytree(published, tmp_path / "copy")


def refused(folder: Path, name: str, fault: str) -> None:
    """Both readers refuse, naming file, fault and remedy."""
    for reader in (read, read_store):
        with pytest.raises(ArtifactRejected, match=fault) as caught:
            reader(folder)
        assert caught.value.file == folder / name
        assert str(folder / name) in str(caught.value)
        assert str(caught.value).endswith(("again", "there"))


def test_what_was_published_is_what_is_read(published: Path) -> None:
    snapshot = read(published)
    learnt, _ = learn(WORLD, WORLD.interactions)
    assert snapshot.version == published.name
    assert snapshot.catalogue == WORLD.catalogue
    assert snapshot.columns == learnt.columns == snapshot.scorer.columns
    assert snapshot.item_columns == WORLD.item_schema.columns
    assert Schema.parse(snapshot.schemas["item"]) == WORLD.item_schema
    arrays = ("embeddings", "neighbours", "neighbour_scores", "popularity", "item_rows", "added_ms")
    for name in arrays:
        np.testing.assert_array_equal(getattr(snapshot, name), getattr(learnt, name), name)
    assert snapshot.segments is not None
    for name in snapshot.segments.__dataclass_fields__:
        ours, theirs = getattr(snapshot.segments, name), getattr(learnt.segments, name)
        np.testing.assert_array_equal(ours, theirs, name)
    rows = np.random.default_rng(0).random((50, len(learnt.columns))).astype(np.float32)
    np.testing.assert_array_equal(snapshot.scorer(rows), learnt.scorer(rows))


def test_the_store_s_rows_come_with_ids_and_histories(published: Path) -> None:
    store = read_store(published)
    assert store.item_ids == WORLD.catalogue.ids
    assert store.user_ids == WORLD.user_ids
    np.testing.assert_array_equal(store.item_rows, WORLD.item_rows)
    np.testing.assert_array_equal(store.user_rows, WORLD.user_rows)
    user = 7
    own = slice(store.history_offsets[user], store.history_offsets[user + 1])
    assert store.history_items[own][::-1].tolist() == WORLD.interactions.of_user(user).tolist()
    assert (np.diff(store.history_times[own]) >= 0).all()


def test_every_array_is_read_only(published: Path) -> None:
    snapshot, store = read(published), read_store(published)
    for array in (snapshot.embeddings, snapshot.neighbours, snapshot.directions, store.item_rows):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_one_flipped_bit_in_any_file_is_refused(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    refused(copy, name, "sha256")


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_truncated_file_is_refused(copy: Path, name: str) -> None:
    (copy / name).write_bytes((copy / name).read_bytes()[:-1])
    refused(copy, name, "the manifest says")


@pytest.mark.parametrize("name", [*sorted(PUBLISHED), "manifest.json"])
def test_a_missing_file_is_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    refused(copy, name, "cannot be read")


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_link_in_place_of_a_file_is_refused(copy: Path, tmp_path: Path, name: str) -> None:
    (copy / name).rename(tmp_path / "elsewhere")
    (copy / name).symlink_to(tmp_path / "elsewhere")
    refused(copy, name, "symbolic link")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none", "manifest.json", "cannot be read")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b"nonsense"])
def test_a_manifest_that_is_none_is_refused(copy: Path, content: bytes) -> None:
    (copy / "manifest.json").write_bytes(content)
    refused(copy, "manifest.json", "JSON|format")


def test_any_change_to_the_manifest_is_refused(copy: Path) -> None:
    path = copy / "manifest.json"
    original = json.loads(path.read_bytes())
    for key in set(original) - {"format"}:
        path.write_text(json.dumps({**original, key: "changed"}))
        refused(copy, "manifest.json", "changed since|no dict")


def test_another_format_is_refused(copy: Path) -> None:
    rewrite(copy, lambda manifest: manifest.update(format=2))
    refused(copy, "manifest.json", "format 1")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "code.py", "store/../x.npy"])
def test_a_file_name_of_the_manifest_s_own_is_refused(copy: Path, name: str) -> None:
    rewrite(copy, lambda manifest: manifest["files"].update({name: {"sha256": "", "bytes": 0}}))
    refused(copy, "manifest.json", "unexpected or missing")


def test_a_seal_that_is_none_is_refused(copy: Path) -> None:
    rewrite(copy, lambda manifest: manifest["files"].update({"popularity.npy": None}))
    refused(copy, "popularity.npy", "no size")


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_array_of_another_type_is_refused(copy: Path, name: str) -> None:
    np.save(copy / name, np.load(copy / name).astype(np.float64))
    reseal(copy)
    refused(copy, name, "is <f8")


def test_a_pickle_is_refused_unopened(copy: Path) -> None:
    write_bomb(copy / "popularity.npy", 60)
    reseal(copy)
    refused(copy, "popularity.npy", r"is \|O")


@pytest.mark.parametrize(
    "name", sorted(name for name, (dtype, _) in KINDS.items() if dtype == "<f4")
)
@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused(copy: Path, name: str, poison: float) -> None:
    array = np.load(copy / name)
    array.flat[-1] = poison
    np.save(copy / name, array)
    reseal(copy)
    refused(copy, name, "not finite")


@pytest.mark.parametrize(
    "name", sorted(set(KINDS) - {"store/history_items.npy", "segment_items.npy"})
)
def test_an_array_with_a_row_too_few_is_refused(copy: Path, name: str) -> None:
    np.save(copy / name, np.load(copy / name)[:-1])
    reseal(copy)
    refused(copy, name, "shape|does not rise")


def test_an_array_in_column_order_is_refused(copy: Path) -> None:
    np.save(copy / "embeddings.npy", np.asfortranarray(np.load(copy / "embeddings.npy")))
    reseal(copy)
    refused(copy, "embeddings.npy", "axes")


def test_an_array_longer_or_shorter_than_its_header_says_is_refused(copy: Path) -> None:
    content = (copy / "popularity.npy").read_bytes()
    for wrong in (content + b"\0\0\0\0", content[:-4], b"", b"\x93NUMPY", content[:20]):
        (copy / "popularity.npy").write_bytes(wrong)
        reseal(copy)
        refused(copy, "popularity.npy", "do not make|is not an array")


@pytest.mark.parametrize(
    ("name", "ordinal"),
    [
        ("neighbours.npy", 60),
        ("neighbours.npy", -2),
        ("store/history_items.npy", -1),
        ("segment_items.npy", -1),
    ],
)
def test_an_ordinal_that_is_no_item_is_refused(copy: Path, name: str, ordinal: int) -> None:
    array = np.load(copy / name)
    array.flat[0] = ordinal
    np.save(copy / name, array)
    reseal(copy)
    refused(copy, name, "ordinal outside")


def drop(folder: Path, *names: str) -> None:
    """Take files out of an artifact, as if it had been published without them."""
    for name in names:
        (folder / name).unlink()
    rewrite(folder, lambda manifest: [manifest["files"].pop(name) for name in names])


def test_an_older_artifact_without_segments_and_times_is_read(copy: Path) -> None:
    drop(copy, *OPTIONAL)
    snapshot = read(copy)
    assert snapshot.segments is None
    assert snapshot.added_ms is None
    assert not len(snapshot.newest)


@pytest.mark.parametrize("name", sorted(SEGMENTS))
def test_segments_that_lack_an_array_are_refused(copy: Path, name: str) -> None:
    drop(copy, name)
    refused(copy, "manifest.json", f"segments without {name}")


def test_segments_with_a_list_of_items_too_short_are_refused(copy: Path) -> None:
    np.save(copy / "segment_items.npy", np.load(copy / "segment_items.npy")[:-1])
    reseal(copy)
    refused(copy, "segment_logs.npy", "shape")


@pytest.mark.parametrize("name", ["segment_items.npy", "segment_edges.npy"])
def test_segments_whose_items_or_edges_fall_are_refused(copy: Path, name: str) -> None:
    array = np.load(copy / name)
    np.save(copy / name, np.ascontiguousarray(array[..., ::-1]))
    reseal(copy)
    refused(copy, name, "does not rise")


def test_an_item_that_stands_twice_among_the_segments_items_is_refused(copy: Path) -> None:
    array = np.load(copy / "segment_items.npy")
    array[1] = array[0]
    np.save(copy / "segment_items.npy", array)
    reseal(copy)
    refused(copy, "segment_items.npy", "does not rise")


def test_offsets_that_fall_are_refused(copy: Path) -> None:
    name = "store/history_offsets.npy"
    offsets = np.load(copy / name)
    offsets[3], offsets[4] = offsets[4], offsets[3]
    np.save(copy / name, offsets)
    reseal(copy)
    refused(copy, name, "does not rise")


@pytest.mark.parametrize(
    ("name", "document", "fault"),
    [
        ("catalogue.json", {"a": 1}, "list of items"),
        ("catalogue.json", [{"item_id": "a"}], "properties"),
        ("catalogue.json", [{"item_id": 7, "properties": {}}], "Expected `str`"),
        ("catalogue.json", [{"item_id": "", "properties": {}}], "length >= 1"),
        ("catalogue.json", [{"item_id": "a", "properties": {}}] * 60, "twice"),
        ("store/users.json", ["a", "a"], "twice"),
        ("store/users.json", [1, 2], "list of ids"),
        ("store/users.json", 7, "list of ids"),
    ],
)
def test_ids_that_are_none_are_refused(copy: Path, name: str, document: object, fault: str) -> None:
    (copy / name).write_text(json.dumps(document))
    reseal(copy)
    refused(copy, name, fault)


def change_columns(manifest: dict[str, Any]) -> None:
    manifest["columns"]["item"][0] = 7


def change_schema(manifest: dict[str, Any]) -> None:
    manifest["schemas"]["item"]["features"].pop()


def drop_schema(manifest: dict[str, Any]) -> None:
    del manifest["schemas"]["user"]


def break_shape(manifest: dict[str, Any]) -> None:
    manifest["schemas"]["item"]["features"][0]["shape"] = ["wide"]


@pytest.mark.parametrize("change", [change_columns, change_schema, drop_schema, break_shape])
def test_a_schema_that_contradicts_itself_is_refused(
    copy: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    rewrite(copy, change)
    refused(copy, "manifest.json", "schema|columns")


def test_a_ranker_of_other_columns_is_refused(copy: Path) -> None:
    rewrite(copy, lambda manifest: manifest["columns"]["ranker"].reverse())
    with pytest.raises(ArtifactRejected, match=r"ranker\.txt.*in the model"):
        read(copy)


def test_a_ranker_cut_short_is_refused_though_it_is_vouched_for(copy: Path) -> None:
    text = (copy / "ranker.txt").read_text()
    (copy / "ranker.txt").write_text(text[: len(text) // 3])
    reseal(copy)
    with pytest.raises(ArtifactRejected, match=r"ranker\.txt.*truncated"):
        read(copy)
