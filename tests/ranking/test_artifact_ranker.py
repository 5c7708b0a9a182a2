"""Rankers other than a forest: published, read back to the bit, refused when anything is off."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranking.artifact import ArtifactRejected, read
from ranking.contents import PARAMETERS
from ranking.scorers import FactorisationScorer, LinearScorer, MlpScorer, StoredScorer
from ranking.snapshot import Snapshot
from tests.ranking.snapshots import Indifferent
from tests.sealing import reseal, rewrite, write_bomb
from tests.training.worlds import small_world
from training.fit import fit
from training.publish import publish

WORLD = small_world()


@pytest.fixture(scope="module")
def learnt() -> Snapshot:
    return fit(WORLD, WORLD.interactions, seed=1)


def network(columns: tuple[str, ...]) -> MlpScorer:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(8, len(columns))), rng.normal(size=(1, 8))]
    return MlpScorer.of(weights, [rng.normal(size=8), rng.normal(size=1)], columns)


def published(learnt: Snapshot, scorer: StoredScorer, folder: Path) -> Path:
    return publish(folder, WORLD, WORLD.interactions, replace(learnt, scorer=scorer))


@pytest.fixture(scope="module")
def folder(learnt: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(learnt, network(learnt.columns[:9]), tmp_path_factory.mktemp("artifacts"))


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.mark.parametrize(
    "make",
    [
        network,
        lambda columns: LinearScorer(np.linspace(-1, 1, len(columns)), 0.1, columns),
        lambda columns: FactorisationScorer.of(
            0.1, np.linspace(-1, 1, len(columns)), np.full((len(columns), 3), 0.2), columns
        ),
    ],
    ids=["mlp", "linear", "factorisation"],
)
def test_what_was_published_is_what_is_read(
    learnt: Snapshot, tmp_path: Path, make: Callable[[tuple[str, ...]], StoredScorer]
) -> None:
    scorer = make(learnt.columns[::-2])  # some columns, in an order of its own
    again = read(published(learnt, scorer, tmp_path)).scorer
    assert type(again) is type(scorer)
    assert again.columns == scorer.columns
    rows = np.random.default_rng(1).normal(size=(100, len(scorer.columns))).astype(np.float32)
    assert again(rows).tobytes() == scorer(rows).tobytes()


def test_a_scorer_that_cannot_be_kept_is_not_published(learnt: Snapshot, tmp_path: Path) -> None:
    odd = replace(learnt, scorer=Indifferent(learnt.columns))
    with pytest.raises(ValueError, match="Indifferent cannot be kept"):
        publish(tmp_path, WORLD, WORLD.interactions, odd)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("ranker", "fault"),
    [
        ({"kind": "mlp", "widths": [9, 8, 2]}, "must lead from 9 columns to 1"),
        ({"kind": "mlp", "widths": [9, 9, 1]}, r"shape \[89\], not \[100\]"),
        ({"kind": "mlp", "widths": [9, 10**12, 1]}, r"shape \[89\], not"),
        ({"kind": "factorisation", "factors": 2}, r"shape \[89\], not \[28\]"),
        ({"kind": "pickle"}, "describes no scorer"),
        (None, "describes no scorer"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(copy: Path, ranker: Any, fault: str) -> None:
    rewrite(copy, lambda manifest: manifest.update(ranker=ranker))
    with pytest.raises(ArtifactRejected, match=fault) as caught:
        read(copy)
    assert caught.value.file == copy / PARAMETERS


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(88, np.float32),
        np.zeros(89, np.float64),
        np.zeros((89, 1), np.float32),
        np.full(89, np.nan, np.float32),
    ],
    ids=["short", "float64", "two axes", "nan"],
)
def test_parameters_of_another_kind_are_refused(copy: Path, array: np.ndarray[Any, Any]) -> None:
    np.save(copy / PARAMETERS, array)
    reseal(copy)
    with pytest.raises(ArtifactRejected) as caught:
        read(copy)
    assert caught.value.file == copy / PARAMETERS


def test_a_pickle_for_parameters_is_refused_unopened(copy: Path) -> None:
    write_bomb(copy / PARAMETERS, 89)
    reseal(copy)
    with pytest.raises(ArtifactRejected, match=r"is \|O") as caught:
        read(copy)
    assert caught.value.file == copy / PARAMETERS


def test_a_forest_that_is_a_network_is_refused(copy: Path) -> None:
    rewrite(copy, lambda manifest: manifest.pop("ranker"))
    with pytest.raises(ArtifactRejected, match=r"must be in ranker\.txt alone"):
        read(copy)


def test_two_rankers_are_refused(copy: Path) -> None:
    (copy / "ranker.txt").write_text("tree\n")
    rewrite(copy, lambda manifest: manifest["files"].update({"ranker.txt": {}}))
    reseal(copy)
    with pytest.raises(ArtifactRejected, match=r"must be in ranker\.npy alone"):
        read(copy)


def test_no_ranker_is_refused(copy: Path) -> None:
    (copy / PARAMETERS).unlink()
    rewrite(copy, lambda manifest: manifest["files"].pop(PARAMETERS))
    with pytest.raises(ArtifactRejected, match=r"must be in ranker\.npy alone"):
        read(copy)


def test_a_column_that_nothing_makes_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_bytes())
    names = ["no such", *manifest["columns"]["ranker"][1:]]
    rewrite(copy, lambda old: old["columns"].update(ranker=names))
    with pytest.raises(ArtifactRejected, match="unknown columns: no such"):
        read(copy)
