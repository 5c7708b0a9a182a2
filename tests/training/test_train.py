import json
import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from ranking.artifact import read
from ranking.snapshot import Snapshot
from tests.training.worlds import small_world
from training.examples import examples
from training.publish import publish
from training.ranker import lambdamart
from training.train import learn, train

WORLD = small_world()


@pytest.fixture(scope="module")
def learnt() -> tuple[Snapshot, str]:
    return learn(WORLD, WORLD.interactions)


def test_the_same_seed_learns_the_same_model(learnt: tuple[Snapshot, str]) -> None:
    snapshot, text = learn(WORLD, WORLD.interactions)
    assert text == learnt[1]
    assert snapshot.embeddings.tobytes() == learnt[0].embeddings.tobytes()


def test_another_seed_learns_another_model(learnt: tuple[Snapshot, str]) -> None:
    assert lambdamart(examples(WORLD, WORLD.interactions, 2), 2) != learnt[1]


def test_the_scorer_agrees_with_lightgbm(learnt: tuple[Snapshot, str]) -> None:
    snapshot, text = learnt
    rows = examples(WORLD, WORLD.interactions, 1).rows
    expected = lightgbm.Booster(model_str=text).predict(rows, num_threads=1)
    np.testing.assert_allclose(snapshot.scorer(rows), expected, atol=1e-5)


def test_the_ranker_learns_the_taste_of_a_world_of_two(learnt: tuple[Snapshot, str]) -> None:
    found = examples(WORLD, WORLD.interactions, 1)
    scores = learnt[0].scorer(found.rows)
    assert scores[found.labels == 1].mean() > scores[found.labels == 0].mean() + 0.5


def test_every_step_is_told_from_its_start_to_its_end(tmp_path: Path) -> None:
    told: dict[str, list[tuple[int, int]]] = defaultdict(list)
    train(WORLD, tmp_path, progress=lambda step, done, total: told[step].append((done, total)))
    assert list(told) == ["examples", "rank", "fit", "publish"]
    for step, moments in told.items():
        done = [moment for moment, _ in moments]
        assert done == sorted(done), step
        assert moments[-1][0] == moments[-1][1], step


def test_an_artifact_tells_what_it_was_made_of(
    learnt: tuple[Snapshot, str], tmp_path: Path
) -> None:
    path = publish(tmp_path, WORLD, WORLD.interactions, *learnt, metrics={"ndcg@10": 0.25})
    manifest = json.loads((path / "manifest.json").read_bytes())
    assert manifest["version"] == path.name
    assert manifest["created_at"].startswith(path.name[:10])
    assert manifest["metrics"] == {"ndcg@10": 0.25}
    assert manifest["data"] == {
        "name": "small world", "items": 60, "users": 40, "interactions": 800
    }  # fmt: skip
    listed = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    assert listed == {*manifest["files"], "manifest.json"}
    assert path.stat().st_mode & 0o777 == 0o755


def test_many_who_publish_at_once_get_a_version_each(
    learnt: tuple[Snapshot, str], tmp_path: Path
) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = list(
            pool.map(lambda _: publish(tmp_path, WORLD, WORLD.interactions, *learnt), range(8))
        )
    assert sorted(path.name.rsplit("-", 1)[1] for path in paths) == [*"12345678"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert {read(path).version for path in paths} == {path.name for path in paths}


def test_a_publisher_that_fails_leaves_nothing_behind(
    learnt: tuple[Snapshot, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        publish(tmp_path, WORLD, WORLD.interactions, *learnt)
    assert not list(tmp_path.iterdir())


def test_nothing_that_is_no_number_is_published(
    learnt: tuple[Snapshot, str], tmp_path: Path
) -> None:
    poisoned = WORLD.item_rows.copy()
    poisoned[0, 0] = np.nan
    with pytest.raises(ValueError, match="item_rows"):
        publish(tmp_path, replace(WORLD, item_rows=poisoned), WORLD.interactions, *learnt)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [(4, 12, 6), (12, 30, 8)])
def test_a_tiny_world_still_gives_an_artifact_that_serves(
    size: tuple[int, int, int], tmp_path: Path
) -> None:
    snapshot = read(train(small_world(*size), tmp_path))
    rows = np.ones((3, len(snapshot.columns)), dtype=np.float32)
    assert np.isfinite(snapshot.scorer(rows)).all()
