"""The audit log: every line whole, nobody waits for it, and a full disk stops nothing."""

import json
import logging
import threading
from pathlib import Path

import pytest

from service.access import audit as audit_module
from service.access.audit import Audit
from service.errors import SettingInvalid


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_note_is_a_line_of_what_there_is_to_tell(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.jsonl")
    audit.start()
    audit.note("keys", "taken on", what="shop")
    audit.note("/v1/models/rollback", "200", who="ops", request_id="0" * 32)
    audit.stop()
    first, second = lines(tmp_path / "audit.jsonl")
    assert set(first) == {"at", "action", "outcome", "what"}
    assert (second["who"], second["outcome"]) == ("ops", "200")
    assert audit.written == 2


def test_many_threads_write_every_line_once_and_whole(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.jsonl")
    audit.start()

    def note(thread: int) -> None:
        for index in range(500):
            audit.note("request", "done", who=f"{thread}", what=f"{index}")

    threads = [threading.Thread(target=note, args=(thread,)) for thread in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    audit.stop()
    found = {(line["who"], line["what"]) for line in lines(tmp_path / "audit.jsonl")}
    assert len(found) == audit.written == 2000


def test_a_file_that_was_moved_away_is_made_again_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = Audit(path)
    path.rename(tmp_path / "audit.1")
    audit.start()
    audit.note("keys", "taken on", what="shop")
    audit.stop()
    assert len(lines(path)) == 1
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_is_told_once_and_counted_and_does_not_stop_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = Audit(tmp_path / "audit.jsonl")
    monkeypatch.setattr(audit, "_path", Path("/dev/full"))
    audit.start()
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            audit.note("request", "done")
            while audit._lines.qsize():
                threading.Event().wait(0.001)
        audit.stop()
    assert audit.dropped == 3
    assert caplog.text.count("No space left") == 1


def test_what_nobody_writes_is_dropped_rather_than_kept_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "MOST_HELD", 10)
    audit = Audit(tmp_path / "audit.jsonl")
    for _ in range(15):
        audit.note("request", "done")
    assert audit.dropped == 5
    audit.start()
    audit.stop()
    assert audit.written == 10


def test_without_a_file_the_lines_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    audit = Audit(None)
    audit.start()
    audit.note("keys", "taken on", what="shop")
    audit.stop()
    assert '"what":"shop"' in caplog.text


def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="--audit"):
        Audit(tmp_path / "nowhere" / "audit.jsonl")
