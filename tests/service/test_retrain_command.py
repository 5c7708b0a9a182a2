"""`braid retrain` as an operator types it: from tables, beside a running service."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pyarrow
import pyarrow.parquet
import pytest

from service import cli
from service.running import running
from service.settings import Settings
from tests.service.conftest import QUIET
from tests.training.worlds import small_world
from training.datasets import tables
from training.train import train

type Braid = Callable[..., tuple[int, str, str]]

WORLD = small_world()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "interactions.parquet"
    own = WORLD.interactions
    columns = {
        "user_id": [WORLD.user_ids[user] for user in own.users],
        "item_id": [WORLD.catalogue.ids[item] for item in own.items],
        "timestamp": own.times,
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


@pytest.fixture
def artifacts(table: Path, tmp_path: Path) -> Path:
    """Return a folder with a model that has not learnt from anybody's latest interactions."""
    dataset = tables.read(table)
    train(replace(dataset, interactions=dataset.interactions.split(0.3)[0]), tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def braid(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Braid:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(cli, "gil_enabled", lambda: False)  # with the GIL it is said ahead of all

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["braid", "retrain", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capfd.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def test_a_retrained_model_is_compared_gated_published_and_activated(
    braid: Braid, table: Path, artifacts: Path
) -> None:
    first = min(artifacts.iterdir())
    with running(Settings(artifact=first, port=0, loops=1), QUIET) as service:
        code, told, said = braid(
            "--interactions", table, "--artifacts", artifacts,
            "--activate", "--url", service.url, "--json",
        )  # fmt: skip
        assert code == 0, said
        verdict = msgspec.json.decode(told)
        assert verdict["serving_version"] == first.name
        assert verdict["users"] == 40
        assert f"Serving {verdict['version']}" in said
    assert sorted(path.name for path in artifacts.iterdir()) == [first.name, verdict["version"]]


def test_a_model_without_news_is_refused_in_one_line(
    braid: Braid, table: Path, tmp_path: Path
) -> None:
    train(tables.read(table), tmp_path)
    code, _, said = braid("--interactions", table, "--artifacts", tmp_path)
    assert code == 1
    assert "only 0 users have interactions that the serving model has not learnt from" in said
    assert len(list(tmp_path.iterdir())) == 1


def test_without_a_serving_model_the_remedy_is_to_train_one(braid: Braid, tmp_path: Path) -> None:
    code, _, said = braid("--artifacts", tmp_path)
    assert code == 1
    assert "make one with `braid train`" in said
