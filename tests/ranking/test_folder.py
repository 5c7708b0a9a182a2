"""Files that are none: nothing is followed, waited for, or read beyond what was promised."""

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ranking import manifest
from ranking.folder import content
from ranking.manifest import LARGEST_MANIFEST
from ranking.npy import view
from ranking.rejected import ArtifactRejected
from ranking.room import TEXT_GROWS, needed, room


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    try:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero, which never ends
    except PermissionError:
        pytest.skip("only root makes devices")


def directory(path: Path) -> None:
    path.mkdir()


def listening(path: Path) -> None:
    os.chdir(path.parent)  # the name of a socket is 108 bytes at most
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(path.name)


def link(path: Path) -> None:
    (path.parent / "elsewhere").write_bytes(b"12345")
    path.symlink_to(path.parent / "elsewhere")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def hole(path: Path, size: int) -> None:
    """Make a file of so many zeros that takes no room on the disk."""
    path.touch()
    os.truncate(path, size)


@pytest.mark.parametrize("make", [pipe, device, directory, listening, link, link_to_itself])
def test_what_is_no_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # and back
    make(tmp_path / "file")
    with pytest.raises(ArtifactRejected, match=r"no file|symbolic link|cannot be read"):
        content(tmp_path, "file", most=100)


def test_a_folder_on_the_way_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"12345")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "store").symlink_to(tmp_path / "outside")
    with pytest.raises(ArtifactRejected, match="symbolic link"):
        content(tmp_path / "inside", "store/file", most=100)


def test_a_file_of_another_size_is_refused_unread(tmp_path: Path) -> None:
    hole(tmp_path / "file", 1 << 40)
    with pytest.raises(ArtifactRejected, match="more than 100"):
        content(tmp_path, "file", most=100)
    with pytest.raises(ArtifactRejected, match="the manifest says 5"):
        content(tmp_path, "file", size=5, most=1 << 50)


def test_a_manifest_of_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    hole(tmp_path / "manifest.json", 1 << 30)
    with pytest.raises(ArtifactRejected, match=f"more than {LARGEST_MANIFEST}"):
        manifest.verified(tmp_path, frozenset(), frozenset(), re.compile(""))


def test_what_is_read_is_no_more_than_was_there_when_it_was_opened(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    with path.open("ab") as more:
        assert content(tmp_path, "file", size=5, most=5) == b"12345"
        more.write(b"6")
        more.flush()
        with pytest.raises(ArtifactRejected, match="has 6 bytes"):
            content(tmp_path, "file", size=5, most=5)


def test_text_takes_more_than_its_bytes_and_half_of_the_memory_is_not_given() -> None:
    assert needed({"a.npy": 100, "b.json": 10, "c.txt": 1}) == 100 + TEXT_GROWS * 11
    assert 0 < room() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def npy(header: bytes, body: bytes = b"", opening: bytes = b"\x93NUMPY\x01\x00") -> bytes:
    padded = header + b" " * (-(len(header) + 11) % 64) + b"\n"
    return opening + len(padded).to_bytes(2, "little") + padded + body


HEADER = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"


def test_the_small_array_is_one() -> None:
    assert view(Path("a.npy"), npy(HEADER, bytes(8)), "<f4", 1).tolist() == [0, 0]


@pytest.mark.parametrize(
    "header",
    [
        b"-" * 9000 + b"1",
        b"(" * 9000,
        b"{'descr': " + b"[" * 9000,
        b"'" * 3 + b"open",
        HEADER.replace(b"(2,)", b"(" + b"9" * 9000 + b",)"),
        HEADER.replace(b"(2,)", b"(-2,)"),
        HEADER.replace(b"(2,)", b"(2.0,)"),
        HEADER.replace(b"(2,)", b"(True, True)"),
        HEADER.replace(b"'<f4'", b"[('a', '<f4')]"),
        HEADER.replace(b"'<f4'", b"__import__('os')"),
        HEADER.replace(b"False", b"0"),
        HEADER + b" #",
        b"",
        b"\xff\xfe",
    ],
    ids=range(14),
)
def test_a_header_that_numpy_did_not_write_is_refused_unparsed(header: bytes) -> None:
    with pytest.raises(ArtifactRejected, match=r"not an array in \.npy version 1\.0"):
        view(Path("a.npy"), npy(header, bytes(8)), "<f4", 1)


@pytest.mark.parametrize("shape", [b"(4611686018427387904,)", b"(0,)", b"(3,)", b"(999999999999,)"])
def test_a_shape_that_the_bytes_do_not_fill_is_refused_before_it_is_made(shape: bytes) -> None:
    with pytest.raises(ArtifactRejected, match=r"do not make|not an array"):
        view(Path("a.npy"), npy(HEADER.replace(b"(2,)", shape), bytes(8)), "<f4", 1)


def test_an_empty_array_with_an_endless_axis_is_refused() -> None:
    shape = HEADER.replace(b"(2,)", b"(0, 999999999999999)")
    with pytest.raises(ArtifactRejected, match="do not make"):
        view(Path("a.npy"), npy(shape), "<f4", 2)


@pytest.mark.parametrize("dtype", [b">f4", b"|O", b"<f8", b"<M8", b"|V4", b"<c8"])
def test_another_type_is_refused(dtype: bytes) -> None:
    with pytest.raises(ArtifactRejected, match="not <f4 with 1 axes"):
        view(Path("a.npy"), npy(HEADER.replace(b"<f4", dtype), bytes(8)), "<f4", 1)


def test_values_that_do_not_lie_where_kernels_read_are_refused() -> None:
    header = HEADER + b"\n"  # valid, but the values begin at an odd place
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(8)
    with pytest.raises(ArtifactRejected, match="not an array"):
        view(Path("a.npy"), content, "<f4", 1)


def test_what_is_told_of_a_file_steers_no_terminal_and_is_short() -> None:
    told = str(ArtifactRejected(Path("a\n\x1b[31mb"), "\r" + "x" * 10_000))
    assert told.isprintable()
    assert len(told) < 1000
