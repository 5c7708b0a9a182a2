"""Any damage at all: refused, or the artifact says what it said; never a crash, never a hang."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranking.artifact import read_both
from ranking.golden import examine, golden_requests
from ranking.rejected import ArtifactRejected
from tests.sealing import reseal, rewrite
from tests.training.worlds import small_world
from training.train import train

FILES: Final = (
    "catalogue.json",
    "embeddings.npy",
    "neighbours.npy",
    "neighbour_scores.npy",
    "popularity.npy",
    "added.npy",
    "ranker.txt",
    "segment_edges.npy",
    "segment_items.npy",
    "segment_logs.npy",
    "store/item_rows.npy",
    "store/user_rows.npy",
    "store/history_items.npy",
    "store/history_times.npy",
    "store/history_offsets.npy",
    "store/users.json",
)
SLOW = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = small_world(n_users=12, n_items=20, seen=8)
    return train(world, tmp_path_factory.mktemp("artifacts"))


@pytest.fixture
def copy(published: Path, tmp_path: Path) -> Path:
    return shutil.copytree(published, tmp_path / "copy")


def test_the_list_of_files_is_the_artifact_s(published: Path) -> None:
    names = json.loads((published / "manifest.json").read_bytes())["files"]
    assert sorted(names) == sorted(FILES)


@SLOW
@given(name=st.sampled_from(FILES), at=st.integers(0, 10**9), flip=st.integers(1, 255))
def test_any_byte_changed_in_any_file_is_refused(copy: Path, name: str, at: int, flip: int) -> None:
    path, original = copy / name, (copy / name).read_bytes()
    content = bytearray(original)
    content[at % len(content)] ^= flip
    path.write_bytes(content)
    try:
        with pytest.raises(ArtifactRejected, match="sha256") as caught:
            read_both(copy)
        assert caught.value.file == path
    finally:
        path.write_bytes(original)


@SLOW
@given(at=st.integers(0, 10**9), flip=st.integers(1, 255))
def test_any_byte_changed_in_the_manifest_is_refused_unless_it_says_the_same(
    copy: Path, at: int, flip: int
) -> None:
    path, original = copy / "manifest.json", (copy / "manifest.json").read_bytes()
    content = bytearray(original)
    content[at % len(content)] ^= flip
    path.write_bytes(content)
    try:
        read_both(copy)
        assert json.loads(content) == json.loads(original)
    except ArtifactRejected:
        pass
    finally:
        path.write_bytes(original)


def used(folder: Path) -> None:
    """Read, and if it is believed use it: finite scores or none, but no other exception."""
    try:
        snapshot, stored = read_both(folder)
    except ArtifactRejected:
        return
    requests = golden_requests(stored)
    if requests:
        with np.errstate(all="ignore"):  # numbers may be huge, which is not forbidden
            examine(snapshot, requests)
    rows = np.zeros((3, len(snapshot.scorer.columns)), np.float32)
    assert np.isfinite(snapshot.scorer(rows)).all()


@SLOW
@given(
    name=st.sampled_from(FILES),
    at=st.integers(0, 10**9),
    cut=st.integers(0, 8),
    put=st.one_of(
        st.binary(max_size=8),
        st.sampled_from(
            [b"-1", b"0", b"9" * 30, b"nan", b"1e999", b"[", b"\xff", b'"', b" ", b"\n"]
        ),
    ),
)
def test_damage_that_is_vouched_for_is_refused_or_harmless(
    copy: Path, name: str, at: int, cut: int, put: bytes
) -> None:
    path, original = copy / name, (copy / name).read_bytes()
    start = at % len(original)
    path.write_bytes(original[:start] + put + original[start + cut :])
    try:
        reseal(copy)
        used(copy)
    finally:
        path.write_bytes(original)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(document: Any) -> list[tuple[Any, Any]]:
    """List every place of a JSON document: what holds it, and under which key."""
    found: list[tuple[Any, Any]] = []
    keys = document if isinstance(document, dict) else range(len(document))
    for key in keys:
        found.append((document, key))
        if isinstance(document[key], dict | list) and document[key]:
            found += places(document[key])
    return found


@SLOW
@given(at=st.integers(0, 10**9), value=JSON)
def test_a_manifest_that_says_anything_else_is_refused_or_harmless(
    copy: Path, at: int, value: Any
) -> None:
    original = (copy / "manifest.json").read_bytes()

    def change(manifest: dict[str, Any]) -> None:
        everywhere = places(manifest)
        holder, key = everywhere[at % len(everywhere)]
        holder[key] = value

    try:
        rewrite(copy, change)
        used(copy)
    finally:
        (copy / "manifest.json").write_bytes(original)


def deep_properties(folder: Path) -> None:
    words = json.dumps([{"item_id": f"i{n}", "properties": {}} for n in range(20)])
    (folder / "catalogue.json").write_text(words.replace("{}", '{"a":' + "[" * 10**6, 1))


def surrogate(folder: Path) -> None:
    path = folder / "catalogue.json"
    path.write_text(path.read_text().replace("i1", "\\ud800", 1))


def no_utf8(folder: Path) -> None:
    path = folder / "catalogue.json"
    path.write_bytes(path.read_bytes().replace(b"i1", b"\xff\xfe", 1))


def nul(folder: Path) -> None:
    path = folder / "catalogue.json"
    path.write_text(path.read_text().replace("i1", "a\\u0000", 1))


def not_a_number(folder: Path) -> None:
    path = folder / "catalogue.json"
    path.write_text(path.read_text().replace('"Item 0"', "NaN", 1))


def no_utf8_in_the_model(folder: Path) -> None:
    path = folder / "ranker.txt"
    path.write_bytes(path.read_bytes().replace(b"source.vector", b"source.vect\xff", 1))


def huge_vectors(folder: Path) -> None:
    vectors = np.load(folder / "embeddings.npy")
    vectors[0, 0] = 1e38
    np.save(folder / "embeddings.npy", vectors)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (deep_properties, "Stack overflow|recursion"),
        (surrogate, "not a list of items"),
        (no_utf8, "not a list of items"),
        (nul, "NUL"),
        (not_a_number, "not a list of items"),
        (no_utf8_in_the_model, "codec"),
        (huge_vectors, "beyond 1e.09"),
    ],
)
def test_what_only_fails_when_it_is_used_is_refused_before(
    copy: Path, damage: Callable[[Path], None], fault: str
) -> None:
    damage(copy)
    reseal(copy)
    with pytest.raises(ArtifactRejected, match=fault):
        read_both(copy)


@pytest.mark.parametrize("shape", [[10**18], [4096] * 50, [-5], [0], ["wide"], 7, [1e3]])
def test_a_schema_that_would_fill_the_memory_is_refused(copy: Path, shape: object) -> None:
    def widen(manifest: dict[str, Any]) -> None:
        manifest["schemas"]["user"]["features"][0]["shape"] = shape

    rewrite(copy, widen)
    with pytest.raises(ArtifactRejected, match=r"schemas\.user"):
        read_both(copy)


def test_a_name_that_stands_twice_is_refused(copy: Path) -> None:
    path = copy / "manifest.json"
    text = path.read_text()
    path.write_text(text.replace('"files": {', '"files": {}, "files": {', 1))
    with pytest.raises(ArtifactRejected, match="stands twice"):
        read_both(copy)


def test_what_the_manifest_does_not_name_is_never_opened(copy: Path) -> None:
    for name in (".hidden", "ranker.pkl", "model.zip", "objectives"):
        os.mkfifo(copy / name)  # opening one would wait for ever
    read_both(copy)
