"""Rankers besides the first: published, read back to the bit, refused as strictly as the first."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranking.artifact import ArtifactRejected, read
from ranking.scorers import ForestScorer, LinearScorer, StoredScorer
from ranking.snapshot import Snapshot
from tests.ranking.forests import model_text, random_rows, random_trees
from tests.sealing import reseal, rewrite, write_bomb
from tests.training.worlds import small_world
from training.fit import fit
from training.publish import publish

WORLD = small_world()
WIDTH = 5


def linear(columns: tuple[str, ...], seed: int = 0) -> LinearScorer:
    return LinearScorer(np.random.default_rng(seed).normal(size=len(columns)), 0.5, columns)


def forest_text(columns: tuple[str, ...]) -> str:
    rng = np.random.default_rng(3)
    trees = random_trees(rng, features=WIDTH, trees=5, most_leaves=9, categorical=0)
    names = " ".join(f"f{place}" for place in range(WIDTH))
    return model_text(trees, WIDTH).replace(names, " ".join(columns))


@pytest.fixture(scope="module")
def learnt() -> Snapshot:
    made = fit(WORLD, WORLD.interactions, seed=1)
    return replace(made, scorer=linear(made.columns[:WIDTH]))


@pytest.fixture(scope="module")
def folder(learnt: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    columns = learnt.scorer.columns
    others: dict[str, str | StoredScorer] = {
        "margin": linear(columns, 7),
        "long_visit": forest_text(columns),
    }
    into = tmp_path_factory.mktemp("artifacts")
    return publish(into, WORLD, WORLD.interactions, learnt, objectives=others)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder, tmp_path / "copy")


def test_an_artifact_carries_several_rankers_to_the_bit(folder: Path, learnt: Snapshot) -> None:
    columns = learnt.scorer.columns
    again = read(folder)
    rows = random_rows(np.random.default_rng(2), 300, WIDTH)
    assert list(again.rankers) == ["long_visit", "margin"]
    assert again.scorer(rows).tobytes() == linear(columns)(rows).tobytes()
    assert again.rankers["margin"](rows).tobytes() == linear(columns, 7)(rows).tobytes()
    forest = ForestScorer.load(forest_text(columns), columns)
    assert again.rankers["long_visit"](rows).tobytes() == forest(rows).tobytes()


def test_an_artifact_of_before_has_no_other_rankers(copy: Path) -> None:
    shutil.rmtree(copy / "objectives")

    def forget(manifest: dict[str, Any]) -> None:
        del manifest["objectives"]
        manifest["files"] = {
            name: seal for name, seal in manifest["files"].items() if "objectives" not in name
        }

    rewrite(copy, forget)
    assert dict(read(copy).rankers) == {}


@pytest.mark.parametrize(
    ("described", "fault"),
    [
        ({}, "its objectives are"),
        ({"margin": {"kind": "linear"}}, "its objectives are"),
        ({"margin": {"kind": "forest"}, "long_visit": {"kind": "forest"}}, r"margin\.txt alone"),
        ({"margin": {"kind": "pickle"}, "long_visit": {"kind": "forest"}}, "describes no scorer"),
        (["margin", "long_visit"], "its objectives are"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(copy: Path, described: Any, fault: str) -> None:
    rewrite(copy, lambda manifest: manifest.update(objectives=described))
    with pytest.raises(ArtifactRejected, match=fault):
        read(copy)


@pytest.mark.parametrize("name", ["../margin", "objectives/../margin", "objectives/Margin", "é"])
def test_a_name_that_might_lead_out_of_the_folder_is_refused(copy: Path, name: str) -> None:
    manifest = json.loads((copy / "manifest.json").read_bytes())
    seal = manifest["files"]["objectives/margin.npy"]
    shutil.copy(copy / "objectives/margin.npy", copy.parent / "margin.npy")
    rewrite(copy, lambda old: old["files"].update({f"{name}.npy": seal}))
    with pytest.raises(ArtifactRejected, match="unexpected or missing files"):
        read(copy)


def test_a_reserved_name_is_refused_by_reader_and_writer(
    copy: Path, learnt: Snapshot, tmp_path: Path
) -> None:
    (copy / "objectives/margin.npy").rename(copy / "objectives/ctr.npy")

    def call_it_ctr(manifest: dict[str, Any]) -> None:
        for table, old, new in (
            ("files", "objectives/margin.npy", "objectives/ctr.npy"),
            ("objectives", "margin", "ctr"),
        ):
            manifest[table][new] = manifest[table].pop(old)

    rewrite(copy, call_it_ctr)
    with pytest.raises(ArtifactRejected, match="may be called 'ctr'"):
        read(copy)
    for name in ("ctr", "model", "Margin", "../margin", ""):
        with pytest.raises(ValueError, match="is no name for an objective"):
            publish(
                tmp_path,
                WORLD,
                WORLD.interactions,
                learnt,
                objectives={name: linear(learnt.scorer.columns)},
            )


def test_parameters_are_seen_through_as_the_first_s_are(copy: Path) -> None:
    write_bomb(copy / "objectives/margin.npy", 6)
    reseal(copy)
    with pytest.raises(ArtifactRejected, match=r"is \|O") as caught:
        read(copy)
    assert caught.value.file == copy / "objectives/margin.npy"


def test_a_changed_byte_is_found(copy: Path) -> None:
    path = copy / "objectives/margin.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactRejected, match="its sha256"):
        read(copy)


def test_a_ranker_of_other_columns_is_not_published(learnt: Snapshot, tmp_path: Path) -> None:
    other = {"margin": linear(learnt.scorer.columns[::-1])}
    with pytest.raises(ValueError, match="its columns are not those"):
        publish(tmp_path, WORLD, WORLD.interactions, learnt, objectives=other)
