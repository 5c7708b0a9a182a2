"""`braid batch`: the slates of requests, made ahead of time, whole after any kill."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from features import keys
from service import cli
from service.commands.batch import batch
from service.errors import Mendable
from service.precompute.folder import MANIFEST, opened
from service.running import running
from service.settings import Settings
from tests.features.shelves import until
from tests.service.conftest import QUIET, Client
from tests.stores import Store, redis_of


def rows(folder: Path) -> list[dict[str, Any]]:
    return [
        row
        for path in sorted(folder.glob("*.parquet"))
        for row in parquet.read_table(path).to_pylist()
    ]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_slates_are_those_of_single_requests_in_files_and_in_redis(
    artifacts: Path, own_store: Store, surfaces: Path, some_users: Path, tmp_path: Path
) -> None:
    """Draws, arms, limits and what was shown before are the same; only the request id differs."""
    settings = Settings(
        artifact=artifacts,
        redis=own_store.url,
        surfaces=surfaces,
        port=0,
        fetch_budget_ms=5000,
        longest_wait_ms=5000,
    )
    with running(settings, QUIET) as service, redis_of(own_store.url) as store:
        client = Client(service.url)
        # Until then it knows of no live counts, and a service without them explores otherwise.
        until(lambda: b"braid_events_connected 1.0" in client.get("/metrics").body, 20)
        shown = client.recommend(user_id="1").ids
        seen = {"user_id": "1", "type": "impression"}
        events = [{**seen, "item_id": item} for item in shown * 2]
        assert client.post("/v1/events", {"events": events}).status == 200
        told = f"braid_events_followed_total {len(events)}.0".encode()
        until(lambda: told in client.get("/metrics").body, 20)
        batch(
            artifact=artifacts,
            redis=own_store.url,
            surfaces=surfaces,
            users=some_users,
            into=tmp_path / "slates",
            to_redis=own_store.url,
            ttl_s=1000,
            seed=5,
            shard=25,
        )
        made = rows(tmp_path / "slates")
        assert [row["user_id"] for row in made] == some_users.read_text().splitlines()
        assert {row["variant"] for row in made} == {"control", "short"}
        assert not set(shown) & set(made[0]["item_ids"])
        for row in made:
            answer = client.recommend(user_id=row["user_id"], seed=row["seed"]).json
            items = answer["items"]
            assert row["item_ids"] == [item["item_id"] for item in items]
            assert row["scores"] == [item["score"] for item in items]
            assert row["sources"] == [item["source"] for item in items]
            assert row["reasons"] == [item["reason"] for item in items]
            assert row["variant"] == answer["variant"]
            assert row["model_version"] == answer["model_version"]
            name = keys.slate("home", row["user_id"])
            kept = json.loads(store.get(name) or b"")
            assert kept["request_id"] == row["request_id"]
            assert {**kept, "request_id": ""} == {**answer, "request_id": ""}
            assert 0 < int(store.ttl(name)) <= 1000
        client.close()


def test_without_redis_the_artifact_says_what_it_would_have_loaded_there(
    artifacts: Path, own_store: Store, some_users: Path, tmp_path: Path
) -> None:
    for redis, name in ((None, "without"), (own_store.url, "with")):
        batch(
            artifact=artifacts,
            redis=redis,
            surface="cart",
            users=some_users,
            into=tmp_path / name,
            history_cap=50,
        )
    without, loaded = rows(tmp_path / "without"), rows(tmp_path / "with")
    for one, other in zip(without, loaded, strict=True):
        del one["request_id"], other["request_id"]  # it names the job
        assert one == other


@pytest.mark.parametrize("threads", [1, 3])
def test_one_thread_and_three_make_the_same_files(
    artifacts: Path, some_users: Path, tmp_path: Path, threads: int
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    batch(artifact=artifacts, users=some_users, into=first, shard=20, threads=2)
    second.mkdir()
    (second / MANIFEST).write_bytes((first / MANIFEST).read_bytes())
    batch(artifact=artifacts, users=some_users, into=second, shard=20, threads=threads)
    assert files(second) == files(first)


@pytest.mark.slow
def test_killed_and_run_again_the_files_are_those_of_one_run(
    artifacts: Path, tmp_path: Path
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    words = ["batch", "--artifact", str(artifacts), "--into", str(killed), "--shard", "15"]
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: len([*killed.glob("*.parquet")]) >= 3, 120)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = files(killed)
    assert 3 <= sum(name.endswith(".parquet") for name in before) < 63
    (killed / "00000062.parquet.part").write_bytes(b"half of a file")  # as if it had hit one
    batch(artifact=artifacts, into=killed, shard=15)
    whole.mkdir()
    (whole / MANIFEST).write_bytes(before[MANIFEST])  # of the same moment
    batch(artifact=artifacts, into=whole, shard=15)
    assert files(killed) == files(whole)
    assert before.items() - {(".lock", b"")} <= files(whole).items() | {
        (name, content) for name, content in before.items() if name.endswith(".part")
    }
    assert len(rows(whole)) == 943


def test_what_is_whole_is_left_as_it_is(
    artifacts: Path, some_users: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "slates"
    batch(artifact=artifacts, users=some_users, into=into)
    before = {path: path.stat().st_mtime_ns for path in into.glob("*")}
    time.sleep(0.01)
    batch(artifact=artifacts, users=some_users, into=into)
    assert {
        path: path.stat().st_mtime_ns for path in into.glob("*.parquet")
    }.items() <= before.items()
    assert "0 made, 62 were there" in capsys.readouterr().out


def test_another_job_leaves_the_folder_alone(
    artifacts: Path, some_users: Path, tmp_path: Path
) -> None:
    into = tmp_path / "slates"
    batch(artifact=artifacts, users=some_users, into=into)
    with pytest.raises(Mendable, match="another limit, seed"):
        batch(artifact=artifacts, users=some_users, into=into, limit=5, seed=1)


def test_two_batches_do_not_share_a_folder(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(Mendable, match="another batch"), opened(tmp_path):
        pass


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--into"),
        (["--into", "{tmp}", "--feast", "feast.toml"], "--feast needs --redis"),
        (["--into", "{tmp}", "--surface", "homme"], "there are cart, home, item, search"),
        (["--into", "{tmp}", "--users", "{tmp}/none.txt"], "none.txt"),
        (["--into", "{tmp}", "--limit", "0"], "limit"),
    ],
)
def test_what_a_person_can_mend_is_one_line(
    artifacts: Path,
    tmp_path: Path,
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    given = ["batch", "--artifact", str(artifacts), *(w.format(tmp=tmp_path) for w in words)]
    monkeypatch.setattr(sys, "argv", ["braid", *given])
    with pytest.raises(SystemExit):
        cli.main()
    assert said in " ".join(capfd.readouterr().err.split())
