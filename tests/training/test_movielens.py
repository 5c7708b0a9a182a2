import hashlib
from pathlib import Path

import numpy as np
import pytest

from features.schema import Schema
from training.datasets import Dataset, movielens, wheel
from training.datasets.errors import DataError


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the files are kept; fetched for real, the first time."""
    folder = movielens.default_folder()
    movielens.fetch(folder)
    return folder


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Dataset:
    return movielens.read(folder)


def test_the_data_set_is_the_known_one(dataset: Dataset) -> None:
    assert len(dataset.catalogue) == 1682
    assert len(dataset.user_ids) == dataset.interactions.n_users == 943
    assert len(dataset.interactions) == 100_000
    assert dataset.interactions.times.min() == 874_724_710_000
    assert dataset.interactions.times.max() == 893_286_638_000


def test_titles_stand_as_on_a_poster(dataset: Dataset) -> None:
    shown = {item: dataset.catalogue.properties[dataset.catalogue.ordinal(item) or 0] for item in
             ("1", "50", "12", "267")}  # fmt: skip
    assert shown["50"] == {
        "title": "Star Wars (1977)",
        "genre": ["Action", "Adventure", "Romance", "Sci-Fi", "War"],
        "year": 1977,
    }
    assert shown["12"]["title"] == "The Usual Suspects (1995)"
    assert shown["267"]["year"] is None


def test_rows_follow_the_schema(dataset: Dataset) -> None:
    for schema, rows in (
        (dataset.item_schema, dataset.item_rows),
        (dataset.user_schema, dataset.user_rows),
    ):
        assert rows.shape[1] == schema.width
        assert rows.dtype == np.float32
        assert np.isfinite(rows).all()
        document = dataset.schemas[schema.name]
        assert Schema.parse(document) == schema
    star_wars = dict(zip(dataset.item_schema.columns, dataset.item_rows[49], strict=True))
    assert star_wars["year"] == 1977
    assert {name for name, value in star_wars.items() if value == 1} == {
        f"genre={genre}" for genre in ("Action", "Adventure", "Romance", "Sci-Fi", "War")
    }


def test_a_history_is_as_in_the_file(folder: Path, dataset: Dataset) -> None:
    lines = (folder / "ml-100k.inter").read_text().splitlines()[1:]
    own = [line.split("\t") for line in lines if line.startswith("196\t")]
    own.sort(key=lambda row: int(row[3]))
    user = dataset.user_ids.index("196")
    history = [dataset.catalogue.ids[item] for item in dataset.interactions.of_user(user)]
    assert history == [item for _, item, *_ in reversed(own)]


def test_a_second_fetch_needs_no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "LOCK", Path("/nowhere/data.lock"))
    assert len(movielens.fetch(folder).catalogue) == 1682


def test_a_folder_of_one_s_own_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAID_DATA", "/srv/data")
    assert movielens.default_folder() == Path("/srv/data/ml-100k")
    monkeypatch.delenv("BRAID_DATA")
    assert movielens.default_folder() == Path.home() / ".cache/braid/ml-100k"


def test_a_changed_file_is_refused(folder: Path, tmp_path: Path) -> None:
    for name in movielens.FILES:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with (tmp_path / "ml-100k.user").open("ab") as stream:
        stream.write(b"944\t30\tM\tnone\t0\n")
    with pytest.raises(DataError, match=r"ml-100k\.user: is not the published file; delete it"):
        movielens.fetch(tmp_path)


def test_a_download_that_is_not_the_locked_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "data.lock"
    wrong = hashlib.sha256(b"another wheel").hexdigest()
    lock.write_text(f"recbole==1.2.1 --hash=sha256:{wrong}\n")
    monkeypatch.setattr(wheel, "LOCK", lock)
    with pytest.raises(DataError, match="cannot download"):
        movielens.fetch(tmp_path / "data")
    assert not list((tmp_path / "data").iterdir())


def test_without_an_installer_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setattr(wheel, "find_spec", lambda _: None)
    with pytest.raises(DataError, match="install uv, and try again"):
        movielens.fetch(tmp_path / "data")


def test_every_installer_must_find_the_locked_wheel(tmp_path: Path) -> None:
    commands = list(wheel.commands(tmp_path, wheel.LOCK))
    assert commands
    for command in commands:
        assert {"--require-hashes", "--no-deps", str(wheel.LOCK)} <= set(command)


@pytest.mark.slow
def test_every_installer_here_fetches_the_same_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, command in enumerate(list(wheel.commands(Path("SCRATCH"), wheel.LOCK))):
        own = tmp_path / str(number)

        def only_this(scratch: Path, _: Path, command: list[str] = command) -> list[list[str]]:
            return [[word.replace("SCRATCH", str(scratch)) for word in command]]

        monkeypatch.setattr(wheel, "commands", only_this)
        movielens.fetch(own)
        for name in movielens.FILES:
            assert (own / name).read_bytes() == (folder / name).read_bytes()
            assert (own / name).stat().st_nlink == 1
        assert len(list(own.iterdir())) == len(movielens.FILES)
