"""A model that is mapped is the published one, to the bit; and nothing else is mapped."""

import os
import shutil
import threading
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import ranking.snapshot
from features.schema import Schema
from features.trust import Trust
from features.types import Context
from ranking.artifact import ArtifactRejected, StoredRows, read_both
from ranking.extend import Changes
from ranking.filters.table import Labels, Numbers
from ranking.golden import examine, golden_requests
from ranking.packed import Packed
from ranking.retrieval import retrieve
from ranking.snapshot import Snapshot
from service.catalogue.grow import Growth
from service.mapped import Loaded, MappedModels
from service.mapped.shelf import SEAL
from service.state import Serving
from tests.ranking.snapshots import Indifferent
from tests.sealing import reseal
from tests.service.models import publish


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    return folder / publish(folder, world="a")


@pytest.fixture
def shelves(tmp_path: Path) -> Path:
    return tmp_path / "shelves"


def shelf_of(shelves: Path) -> Path:
    [seal] = shelves.glob(f"*/{SEAL}")
    return seal.parent


def same(one: Any, other: Any, name: str) -> None:
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other, name)
        assert one.dtype == other.dtype
        assert not one.flags.writeable
    elif name in {"sketch", "segments", "layout", "wanted"} and one is not None:
        for part in fields(one):
            left, right = getattr(one, part.name), getattr(other, part.name)
            if isinstance(left, np.ndarray):
                np.testing.assert_array_equal(left, right, f"{name}.{part.name}")
            elif isinstance(left, int | str | bool):
                assert left == right
    elif name == "catalogue":
        assert one.ids == other.ids
        assert list(one.properties) == list(other.properties)
    elif name not in {"scorer", "rankers"}:
        assert one == other, name


def test_a_mapped_model_is_the_model_that_was_published(
    artifact: Path, shelves: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking.snapshot, "SKETCH_FROM", 50)
    snapshot, stored = read_both(artifact)
    loaded = MappedModels(shelves).read(artifact)
    assert snapshot.sketch is not None
    for field in fields(Snapshot):
        same(getattr(loaded.snapshot, field.name), getattr(snapshot, field.name), field.name)
    for field in fields(StoredRows):
        same(getattr(loaded.stored, field.name), getattr(stored, field.name), field.name)
    golden = golden_requests(stored)
    ours, theirs = examine(loaded.snapshot, golden), examine(snapshot, golden)
    np.testing.assert_array_equal(ours.quantiles, theirs.quantiles)
    np.testing.assert_array_equal(ours.place, theirs.place)


def test_what_is_served_from_it_is_the_same(artifact: Path, shelves: Path) -> None:
    snapshot, _ = read_both(artifact)
    own = Serving.of(snapshot, 1, Trust())
    mapped = serving(MappedModels(shelves).read(artifact))
    assert list(mapped.properties) == list(own.properties)
    items = np.arange(len(snapshot.catalogue))[::-1].copy()
    assert bytes(mapped.items.mget(items)) == bytes(own.items.mget(items))
    np.testing.assert_array_equal(mapped.items.owners, own.items.owners)
    assert mapped.filters.columns == own.filters.columns
    for name, column in own.filters.table.columns.items():
        other = mapped.filters.table.columns[name]
        if isinstance(column, Labels):
            assert isinstance(other, Labels)
            assert dict(other.codes) == dict(column.codes)
            assert "no such label" not in other.codes
        else:
            assert isinstance(column, Numbers)
    for text in ('world = "a"', 'world = "b"'):
        np.testing.assert_array_equal(mapped.filters.hidden(text), own.filters.hidden(text))


def test_a_second_replica_maps_what_the_first_laid_out(artifact: Path, shelves: Path) -> None:
    loaded: list[Loaded] = []
    replicas = [
        threading.Thread(target=lambda: loaded.append(MappedModels(shelves).read(artifact)))
        for _ in range(3)
    ]
    for replica in replicas:
        replica.start()
    for replica in replicas:
        replica.join()
    seal = shelf_of(shelves) / SEAL
    made = seal.stat()
    MappedModels(shelves).read(artifact)
    assert len(loaded) == 3
    assert (made.st_ino, made.st_mtime_ns) == (seal.stat().st_ino, seal.stat().st_mtime_ns)
    assert [path.name for path in shelves.iterdir() if path.name.startswith(".making")] == []


@pytest.mark.parametrize("how", ["written to", "replaced", "cut short", "linked"])
def test_a_file_that_is_not_the_one_that_was_written_is_made_anew(
    artifact: Path, shelves: Path, how: str
) -> None:
    before = MappedModels(shelves).read(artifact).snapshot.embeddings.copy()
    path = shelf_of(shelves) / "embeddings.npy"
    told = path.stat()
    if how == "written to":
        path.chmod(0o644)
        with path.open("r+b") as stream:
            stream.seek(-4, os.SEEK_END)
            stream.write(b"\0\0\0\0")
        path.chmod(0o444)
        os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))  # as nobody would notice
    elif how == "replaced":
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    elif how == "cut short":
        path.chmod(0o644)
        os.truncate(path, 64)
    else:
        path.rename(path.with_name("moved.npy"))
        path.symlink_to("moved.npy")
    again = MappedModels(shelves).read(artifact)
    np.testing.assert_array_equal(again.snapshot.embeddings, before)


def test_a_shelf_that_others_may_write_to_is_made_anew(artifact: Path, shelves: Path) -> None:
    MappedModels(shelves).read(artifact)
    path = shelf_of(shelves) / "embeddings.npy"
    path.chmod(0o666)
    MappedModels(shelves).read(artifact)
    assert path.stat().st_mode & 0o222 == 0


def test_a_shelf_of_other_code_is_made_anew(
    artifact: Path, shelves: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MappedModels(shelves).read(artifact)
    before = shelf_of(shelves).stat().st_ino
    monkeypatch.setattr("service.mapped.take_up.code", lambda: "of tomorrow")
    monkeypatch.setattr("service.mapped.lay_out.code", lambda: "of tomorrow")
    MappedModels(shelves).read(artifact)
    assert shelf_of(shelves).stat().st_ino != before


@pytest.mark.parametrize("name", ["embeddings.npy", "catalogue.json", "ranker.txt"])
def test_a_damaged_artifact_is_refused_and_leaves_nothing(
    artifact: Path, shelves: Path, tmp_path: Path, name: str
) -> None:
    copy = shutil.copytree(artifact, tmp_path / artifact.name)
    path = copy / name
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactRejected, match="sha256"):
        MappedModels(shelves).read(copy)
    assert sorted(path.name for path in shelves.iterdir()) == [".lock"]


def test_ordinals_that_lead_out_of_the_catalogue_are_refused_before_anything_is_mapped(
    artifact: Path, shelves: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(artifact, tmp_path / artifact.name)
    neighbours = np.load(copy / "neighbours.npy")
    neighbours[3, 0] = len(neighbours)
    np.save(copy / "neighbours.npy", neighbours)
    reseal(copy)
    with pytest.raises(ArtifactRejected, match="outside"):
        MappedModels(shelves).read(copy)


def test_a_label_that_cannot_be_kept_is_refused_and_leaves_nothing(
    artifact: Path, shelves: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(artifact, tmp_path / artifact.name)
    items = msgspec.json.decode((copy / "catalogue.json").read_bytes())
    items[7]["properties"]["world"] = "a\0b"
    (copy / "catalogue.json").write_bytes(msgspec.json.encode(items))
    reseal(copy)
    with pytest.raises(ArtifactRejected, match="'world' holds a NUL"):
        MappedModels(shelves).read(copy)
    assert sorted(path.name for path in shelves.iterdir()) == [".lock"]


def test_a_catalogue_that_grows_shares_what_nobody_changed(artifact: Path, shelves: Path) -> None:
    loaded = MappedModels(shelves).read(artifact)
    base = serving(loaded)
    old, rows = loaded.snapshot.catalogue.ids[4], loaded.snapshot.item_rows
    for round_ in range(2):  # the second one on top of the first
        new = f"new-{round_}"
        changes = Changes(
            ids=(old, new),
            properties=({"title": f"changed {round_}"}, {"title": "new"}),
            rows=np.array([rows[4], rows[5]]),
            retired=np.zeros(2, np.bool_),
        )
        base = Growth.of(base, changes, round_ + 1).onto(base)
        catalogue = base.snapshot.catalogue
        size = len(rows) + round_ + 1
        assert len(catalogue) == len(catalogue.ids) == len(base.properties) == size
        assert catalogue.ids[-1] == catalogue.ids[size - 1] == new
        assert catalogue.properties[4] == {"title": f"changed {round_}"}
        assert catalogue.properties[size - 1] == {"title": "new"}
        assert msgspec.json.decode(base.properties[4]) == {"title": f"changed {round_}"}
        assert catalogue.ordinal(new) == size - 1
        assert catalogue.ordinal(old) == 4
        hidden = base.filters.hidden(f'title = "changed {round_}"')
        assert np.flatnonzero(~hidden).tolist() == [4]
    assert catalogue.ids[0] == loaded.snapshot.catalogue.ids[0]
    again = Serving.of(base.snapshot, 1, Trust(), kept=loaded.kept)
    assert list(again.properties) == list(base.properties)
    assert bytes(again.items.mget(np.array([size - 1]))) == bytes(
        base.items.mget(np.array([size - 1]))
    )
    np.testing.assert_array_equal(
        again.filters.hidden("title = 'new'"), base.filters.hidden("title = 'new'")
    )


def test_a_scorer_of_one_s_own_ranks_a_mapped_model(artifact: Path, shelves: Path) -> None:
    snapshot = MappedModels(shelves).read(artifact).snapshot

    own = snapshot.ranked_by(Indifferent(snapshot.columns[:1]))
    assert own.embeddings is snapshot.embeddings
    assert (own.wanted.any_taste, snapshot.wanted.any_taste) == (False, True)
    assert not own.rankers


def test_without_a_folder_a_model_is_read_as_ever(artifact: Path) -> None:
    loaded = MappedModels(None).read(artifact)
    assert loaded.kept is None
    assert isinstance(loaded.snapshot.catalogue.ids, tuple)


def test_old_shelves_go_and_the_latest_three_stay(tmp_path: Path, shelves: Path) -> None:
    names = [publish(tmp_path, world=str(turn)) for turn in range(4)]
    models = MappedModels(shelves)
    for name in names:
        loaded = models.read(tmp_path / name)
    left = sorted(seal.parent.name.rsplit("-", 1)[0] for seal in shelves.glob(f"*/{SEAL}"))
    assert left == names[1:]
    assert isinstance(loaded.snapshot.catalogue.ids, Packed)


def test_a_mapped_model_retrieves(artifact: Path, shelves: Path) -> None:
    snapshot = MappedModels(shelves).read(artifact).snapshot
    history = np.array([1, 2, 3])
    context = Context(np.zeros(len(snapshot.user_columns), np.float32), True, history, history[:0])
    assert len(retrieve(context, snapshot).items)


def serving(loaded: Loaded) -> Serving:
    assert loaded.kept is not None
    found = Serving.of(loaded.snapshot, 1, Trust(), kept=loaded.kept)
    assert Schema.parse(loaded.snapshot.schemas["item"]) == found.items.schema
    return found
