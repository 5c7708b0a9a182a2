"""Lists of users, from a file."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from service.errors import Mendable
from service.precompute.user_list import read_user_list


def test_a_text_file_has_one_user_a_line_each_once(tmp_path: Path) -> None:
    file = tmp_path / "users.txt"
    file.write_text("bob\nann\n\nbob\n")
    assert read_user_list(file, "home") == ["bob", "ann"]


def test_a_folder_of_the_log_gives_the_surfaces_users(tmp_path: Path) -> None:
    every: list[list[str | None]] = [["bob", "ann"], ["bob", "cid", None]]
    for number, users in enumerate(every):
        table = pa.table({"user_id": users, "surface": ["home", "cart", "home"][: len(users)]})
        parquet.write_table(table, tmp_path / f"{number}.parquet")
    assert read_user_list(tmp_path, "home") == ["bob"]
    assert read_user_list(tmp_path, "cart") == ["ann", "cid"]


def test_numbers_are_ids_too(tmp_path: Path) -> None:
    file = tmp_path / "users.parquet"
    parquet.write_table(pa.table({"user_id": [3, 1, 3]}), file)
    assert read_user_list(file, "home") == ["3", "1"]


@pytest.mark.parametrize(
    ("text", "said"), [("", "holds no users"), ("\n\n", "no users"), ("x" * 129, "128 characters")]
)
def test_what_is_no_list_is_told(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "users.txt"
    file.write_text(text)
    with pytest.raises(Mendable, match=said):
        read_user_list(file, "home")


def test_parquet_without_the_column_is_told(tmp_path: Path) -> None:
    file = tmp_path / "users.parquet"
    parquet.write_table(pa.table({"user": ["ann"]}), file)
    with pytest.raises(Mendable, match="no column user_id, but user"):
        read_user_list(file, "home")
