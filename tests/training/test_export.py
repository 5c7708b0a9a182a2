"""Exports of logs: each entry once, in files that anything reads, whenever the export is killed."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from redis import Redis

from features import keys
from features.events import Event
from features.served import Served
from features.served_features import RECORD
from tests.features.served import draw
from tests.stores import Store
from tests.training.streams import log_event, log_features
from training.datasets.errors import DataError
from training.logs import export as module
from training.logs.export import export, export_log
from training.logs.files import log_files, opened


def read(folder: Path) -> pa.Table:
    return pa.concat_tables([parquet.read_table(path) for path in log_files(folder)])


def test_features_are_exported_one_row_per_candidate_to_the_bit(
    client: Redis, tmp_path: Path
) -> None:
    served = [draw(seed, n=7 + seed) for seed in range(5)]
    log_features(client, *served)
    done = export(client, tmp_path)["features"]
    assert (done.entries, done.files, done.unreadable, done.gap) == (5, 1, 0, False)
    table = read(tmp_path / "features")
    low = 0
    for one in served:
        part = table.slice(low, len(one.scores))
        low += len(one.scores)
        for place, name in enumerate(one.head.columns):
            column = np.ascontiguousarray(one.rows[:, place])
            assert part[name].to_numpy().tobytes() == column.tobytes()
        assert part["score"].to_numpy().tobytes() == one.scores.tobytes()
        assert part["item_id"].to_pylist() == [*one.head.item_ids]
        for name in ("request_id", "timestamp_ms", "user_id", "surface", "variant"):
            assert set(part[name].to_pylist()) == {getattr(one.head, name)}
        shown = {place: row for row, place in enumerate(part["place"].to_pylist()) if place >= 0}
        assert tuple(shown[place] for place in range(len(shown))) == one.head.picks
    assert low == len(table)


def test_events_and_slates_of_every_partition_are_exported(client: Redis, tmp_path: Path) -> None:
    events = [
        Event(f"u{number}", f"i{number % 7}", "custom", number, request_id="r", weight=0.5)
        for number in range(300)
    ]
    for event in events:
        log_event(client, event)
    slates = [Served(f"u{number}", ("b", "a"), number, "r", "home") for number in range(50)]
    for slate in slates:
        fields = {"slate": msgspec.json.encode(slate)}
        client.xadd(keys.served(keys.partition(slate.user_id)), fields)  # type: ignore[arg-type]
    done = export(client, tmp_path)
    assert (done["events"].entries, done["slates"].entries) == (300, 50)
    rows = read(tmp_path / "events").drop_columns(["arrived_us"]).to_pylist()
    key = "user_id"
    assert sorted(rows, key=lambda row: str(row[key])) == sorted(
        map(msgspec.structs.asdict, events), key=lambda row: str(row[key])
    )
    shown = read(tmp_path / "slates").to_pylist()
    assert len(shown) == 100
    assert {(row["place"], row["item_id"]) for row in shown} == {(0, "b"), (1, "a")}


def test_an_export_goes_on_where_the_last_one_ended(client: Redis, tmp_path: Path) -> None:
    assert export_log(client, tmp_path, "features").files == 0
    for start in (0, 3, 6):
        log_features(client, *(draw(seed, n=3) for seed in range(start, start + 3)))
        assert export_log(client, tmp_path, "features").entries == 3
    assert export_log(client, tmp_path, "features").entries == 0
    expected = [f"request-{seed}" for seed in range(9) for _ in range(3)]
    assert read(tmp_path)["request_id"].to_pylist() == expected


def test_records_of_other_columns_begin_a_file_of_their_own(client: Redis, tmp_path: Path) -> None:
    widths = [4, 4, 6, 6, 6, 4]
    log_features(client, *(draw(seed, n=2, width=width) for seed, width in enumerate(widths)))
    done = export_log(client, tmp_path, "features")
    assert (done.entries, done.files) == (6, 3)
    lengths = [len(parquet.read_table(path)) for path in log_files(tmp_path)]
    assert lengths == [4, 6, 2]


def test_what_cannot_be_read_is_counted_and_passed_over(client: Redis, tmp_path: Path) -> None:
    client.xadd(keys.SERVED_FEATURES, {RECORD: b"BSF1 is what it says"})
    log_features(client, draw(1, n=2))
    client.xadd(keys.SERVED_FEATURES, {"another field": b""})
    client.xadd(keys.events(3), {"event": b"{}", "number": 1, "arrived_us": 1})
    done = export(client, tmp_path)
    assert (done["features"].entries, done["features"].unreadable) == (3, 2)
    assert (done["events"].entries, done["events"].unreadable) == (1, 1)
    assert len(read(tmp_path / "features")) == 2


def test_a_stream_that_was_trimmed_past_the_last_export_is_told(
    client: Redis, tmp_path: Path
) -> None:
    log_features(client, *(draw(seed, n=1) for seed in range(4)))
    export_log(client, tmp_path, "features")
    log_features(client, *(draw(seed, n=1) for seed in range(4, 8)))
    assert not export_log(client, tmp_path, "features").gap
    log_features(client, *(draw(seed, n=1) for seed in range(8, 12)))
    client.xtrim(keys.SERVED_FEATURES, maxlen=2, approximate=False)
    done = export_log(client, tmp_path, "features")
    assert done.gap
    assert done.entries == 2


def test_two_exports_into_one_folder_do_not_mix(client: Redis, tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(DataError, match="another export is writing there"):
        export_log(client, tmp_path, "features")
    assert export_log(client, tmp_path, "features").entries == 0


def test_a_folder_of_something_else_is_left_alone(client: Redis, tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "00000001.parquet")
    with pytest.raises(DataError, match="is no file of an export"):
        export_log(client, tmp_path, "features")


EXPORT = """
import sys
from pathlib import Path
from dataclasses import replace
from features.client import connect
from training.logs import export as module

module.LOGS = {**module.LOGS, "features": replace(module.LOGS["features"], entries_per_file=3)}
with connect(sys.argv[1]) as client:
    print("ready", flush=True)
    module.export(client, Path(sys.argv[2]))
"""


def test_an_export_that_is_killed_loses_nothing_and_repeats_nothing(
    client: Redis, valkey: Store, tmp_path: Path
) -> None:
    served = [draw(seed, n=20, width=50) for seed in range(600)]
    rng = random.Random(1)
    killed = 0

    def files() -> int:
        return len([*tmp_path.rglob("*.parquet")])

    for start in range(0, 600, 100):
        log_features(client, *served[start : start + 100])
        command = [sys.executable, "-c", EXPORT, valkey.url, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            # By what it has done, not by time: a busy machine would have it killed at the start.
            enough = files() + rng.randrange(12)
            while files() < enough and process.poll() is None:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
    assert killed >= 3  # else nothing was tried
    assert 0 < export(client, tmp_path)["features"].entries < 600  # the killed had done some
    found = read(tmp_path / "features")["request_id"].to_pylist()
    assert found == [f"request-{seed}" for seed in range(600) for _ in range(20)]
    assert not [*tmp_path.rglob("*.part")]


def test_reads_go_on_across_round_trips(
    client: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = module.LOGS["features"]
    for per_read in (1, 2, 5):
        patched = module.Log(log.keys, log.table, 4, per_read)
        monkeypatch.setattr(module, "LOGS", {"features": patched})
        log_features(client, *(draw(seed, n=1) for seed in range(5)))
        assert export_log(client, tmp_path / str(per_read), "features").files >= 2
        found = read(tmp_path / str(per_read))["request_id"].to_pylist()
        assert len(found) == client.xlen(keys.SERVED_FEATURES)
