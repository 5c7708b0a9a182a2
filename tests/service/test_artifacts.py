"""Which artifact a path means."""

from pathlib import Path

import pytest

from ranking.artifact import ArtifactRejected
from service.artifacts import find, locate, versions


def publish(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir()
        (folder / name / "manifest.json").touch()


def test_an_artifact_is_itself_whatever_lies_beside_or_below_it(tmp_path: Path) -> None:
    publish(tmp_path, "2026-11-22-1", "2026-11-22-2")
    publish(tmp_path / "2026-11-22-1", "2027-01-01-1")
    assert locate(tmp_path / "2026-11-22-1").name == "2026-11-22-1"


@pytest.mark.parametrize(
    ("names", "newest"),
    [
        (["2026-11-22-1", "2026-11-22-2"], "2026-11-22-2"),
        (["2026-11-22-9", "2026-11-22-10"], "2026-11-22-10"),
        (["2026-9-30-1", "2026-11-22-1"], "2026-11-22-1"),
        (["2025-12-31-99", "2026-01-01-1"], "2026-01-01-1"),
        (["2026-11-22-1", "zzz", "latest"], "2026-11-22-1"),
        (["2026-11-22-1", "2026-11-22-1-copy"], "2026-11-22-1"),
        (["mine"], "mine"),
    ],
)
def test_of_a_folder_of_artifacts_the_newest_is_meant(
    tmp_path: Path, names: list[str], newest: str
) -> None:
    publish(tmp_path, *names)
    assert locate(tmp_path).name == newest


def test_a_folder_without_manifest_is_no_artifact(tmp_path: Path) -> None:
    publish(tmp_path, "2026-11-22-1")
    (tmp_path / "2027-01-01-1").mkdir()
    assert locate(tmp_path).name == "2026-11-22-1"


@pytest.mark.parametrize("name", [".", "nowhere", "file"])
def test_where_there_is_none_the_error_names_the_path_and_the_remedy(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactRejected, match="make one with `braid train`") as caught:
        locate(tmp_path / name)
    assert str(tmp_path) in str(caught.value)


def test_versions_come_newest_first_without_what_is_half_published(tmp_path: Path) -> None:
    publish(tmp_path, "2026-11-22-9", "2026-11-22-10", ".publish-x1")
    (tmp_path / "empty").mkdir()
    assert versions(tmp_path) == ["2026-11-22-10", "2026-11-22-9"]
    assert versions(tmp_path / "nowhere") == []


@pytest.mark.parametrize("name", ["..", ".", "", "../outside", "2026-11-22-9/", ".publish-x1"])
def test_no_version_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    publish(tmp_path, "outside")
    folder = tmp_path / "folder"
    folder.mkdir()
    publish(folder, "2026-11-22-9", ".publish-x1")
    assert find(folder, name) is None
    assert find(folder, "2026-11-22-9") == folder / "2026-11-22-9"


@pytest.mark.parametrize("name", ["\udcff", "a\nb", "a b", "-rf", "x" * 200, "\u202e"])
def test_a_folder_whose_name_no_client_could_ask_for_is_not_listed(
    tmp_path: Path, name: str
) -> None:
    publish(tmp_path, "2026-11-22-1", name)
    assert versions(tmp_path) == ["2026-11-22-1"]
    assert find(tmp_path, name) is None
