"""What is noted of an experiment reaches the store's stream, and the report reads it."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from features import keys
from features.address import Address
from features.events import Event
from features.exposures import Exposure
from features.store import FeatureStore
from ranking.experiments import team_draft
from ranking.surfaces import parse
from service import cli
from service.experiments.choose import choose
from service.experiments.exposures import ExposureLog
from tests.stores import new_store, redis_of
from training.experiments.report import Report
from training.experiments.sources import exported, stored_events, stored_exposures

TEXT = """
[surfaces.home]
[surfaces.home.experiment]
salt = "home-1"
[surfaces.home.experiment.variants.better]
share = 0.5
settings = { limit = 5 }

[surfaces.cart]
[surfaces.cart.experiment]
salt = "cart-1"
kind = "interleaving"
[surfaces.cart.experiment.variants.better]
share = 1.0
settings = { limit = 5 }
"""
SURFACES = parse(TEXT)
USERS = 600
SHOWN_MS = 1_700_000_000_000
GOOD, BAD = "0123456789", "9876543210"


async def live(address: Address) -> ExposureLog:
    """Serve users on both surfaces; they click, with the same seed for the same deeds."""
    random = np.random.default_rng(5)
    store = FeatureStore(address, 5.0, 100)
    await store.open()
    log = ExposureLog(store)
    events = [Event("u0", "7", "click", SHOWN_MS - 9000)]
    for number in range(USERS):
        user = f"u{number}"
        for visit in range(3):
            request_id, at = f"{number:04x}-{visit}", SHOWN_MS + visit * 1000
            choice = choose(SURFACES, "home", user)
            assert choice.experiment is not None
            log.note(user, "home", choice.experiment, choice.variant, request_id, at)
            chance = 0.3 if choice.variant == "better" else 0.15
            if random.random() < chance:
                events.append(Event(user, "7", "click", at + 5, request_id=request_id))
            events.append(Event(user, "8", "click", at + 5, request_id="elsewhere"))
        choice = choose(SURFACES, "cart", user)
        assert choice.rival is not None
        assert choice.experiment is not None
        picks = team_draft(BAD, GOOD, 4, seed=number)
        names = [((BAD, GOOD)[pick.slate][pick.place], pick.team) for pick in picks]
        request_id = f"cart-{number}"
        log.note(user, "cart", choice.experiment, choice.arm, request_id, SHOWN_MS, names)
        wanted = str(random.integers(0, 3) if random.random() < 0.7 else random.integers(7, 10))
        if wanted in dict(names):
            events.append(Event(user, wanted, "click", SHOWN_MS + 9, request_id=request_id))
    await log.appender.close()
    await store.append_events(events)
    await store.close()
    return log


@pytest.fixture(scope="module")
def lived() -> Iterator[tuple[str, ExposureLog]]:
    with new_store() as valkey:
        yield valkey.url, asyncio.run(live(Address.parse(valkey.url)))


@pytest.fixture
def surfaces(tmp_path: Path) -> Path:
    path = tmp_path / "surfaces.toml"
    path.write_text(TEXT)
    return path


def braid(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(cli, "gil_enabled", lambda: False)  # with the GIL it is said ahead of all
    monkeypatch.setattr(sys, "argv", ["braid", "experiment", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_every_exposure_is_in_the_stream_once_and_counted(lived: tuple[str, ExposureLog]) -> None:
    url, log = lived
    with redis_of(url) as client:
        found = list(stored_exposures(client))
        assert client.ttl(keys.EXPOSURES) == -1  # the report is made weeks later
    assert (log.appender.written, log.appender.dropped) == (4 * USERS, 0)
    assert len({one.request_id for one in found}) == len(found) == 4 * USERS
    assert log.counts["cart", "better"] == USERS
    assert log.counts["home", "better"] + log.counts["home", "control"] == 3 * USERS
    assert found[0] == Exposure("u0", "home", "home-1", found[0].variant, "0000-0", SHOWN_MS)
    assert set(found[3].teams.values()) <= {0, 1, -1}
    assert len(found[3].teams) == 4


def test_a_b_experiments_deal_users_to_arms_and_find_the_lift(
    lived: tuple[str, ExposureLog],
    surfaces: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    words = ("--redis", lived[0], "--surfaces", str(surfaces), "--json")
    assert braid(monkeypatch, "report", "home-1", *words) == 0
    found = msgspec.json.decode(capfd.readouterr().out, type=Report)
    control, better = found.arms
    assert (control.name, better.name) == ("control", "better")
    assert control.users + better.users == USERS
    assert control.slates + better.slates == 3 * USERS
    rate = better.metrics["rate"].value
    assert rate == pytest.approx(0.3, abs=0.05)  # what was clicked elsewhere does not count
    lift = better.lifts["rate"]
    assert lift.relative.low is not None
    assert lift.relative.low > 0.3
    assert lift.p is not None
    assert lift.p < 0.001
    assert found.mismatch is not None
    assert not found.mismatch.alarm
    assert "one look" in found.cautions[0]


def test_interleaving_finds_the_ranker_that_users_prefer(
    lived: tuple[str, ExposureLog],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert braid(monkeypatch, "report", "cart-1", "--redis", lived[0], "--json") == 0
    found = msgspec.json.decode(capfd.readouterr().out, type=Report)
    preference = found.interleaving["better"]
    assert preference.wins > preference.losses
    assert preference.share.low is not None
    assert preference.share.low > 0.5
    assert found.arms[0].lifts == {}


def test_the_report_for_people_has_the_figures_and_the_cautions(
    lived: tuple[str, ExposureLog],
    surfaces: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    words = ("--redis", lived[0], "--surfaces", str(surfaces), "--bootstrap", "--cuped")
    assert braid(monkeypatch, "report", "home-1", *words) == 0
    told = capfd.readouterr().out
    assert "95% intervals by the bootstrap by user" in told
    assert "adjusted by earlier behaviour" in told
    assert "conversion" in told
    assert "who looks every day" in told
    assert braid(monkeypatch, "report", "cart-1", "--redis", lived[0]) == 0
    told = capfd.readouterr().out
    assert "users who prefer the variant" in told
    assert "was not checked" in told


def test_an_export_gives_the_same_report_from_lines_and_from_parquet(
    lived: tuple[str, ExposureLog],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "export"
    assert braid(monkeypatch, "export", str(folder), "--redis", lived[0]) == 0
    assert f"Wrote {4 * USERS} exposures" in capfd.readouterr().out
    reports = []
    for words in (("--redis", lived[0]), ("--folder", str(folder))):
        assert braid(monkeypatch, "report", "cart-1", *words, "--json") == 0
        reports.append(capfd.readouterr().out)
    for name in ("exposures", "events"):
        lines = (folder / f"{name}.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        for row in rows:
            if name == "exposures":
                row["teams"] = list(row.get("teams", {}).items())
        schema = None
        if name == "exposures":
            teams = pyarrow.map_(pyarrow.string(), pyarrow.int64())
            texts = ("user_id", "surface", "experiment", "variant", "request_id")
            fields = [(text, pyarrow.string()) for text in texts]
            schema = pyarrow.schema([*fields, ("timestamp_ms", pyarrow.int64()), ("teams", teams)])
        parquet.write_table(pyarrow.Table.from_pylist(rows, schema), folder / f"{name}.parquet")
        (folder / f"{name}.jsonl").unlink()
    assert braid(monkeypatch, "report", "cart-1", "--folder", str(folder), "--json") == 0
    reports.append(capfd.readouterr().out)
    assert len(set(reports)) == 1


def test_events_come_back_as_they_were_sent(lived: tuple[str, ExposureLog], tmp_path: Path) -> None:
    with redis_of(lived[0]) as client:
        events = list(stored_events(client))
    assert Event("u0", "7", "click", SHOWN_MS - 9000) in events
    lines = b"".join(msgspec.json.encode(event) + b"\n" for event in events)
    (tmp_path / "events.jsonl").write_bytes(lines + b"\n")
    assert list(exported(tmp_path, "events", Event)) == events


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("report",), "say where the records are"),
        (("report", "--folder", "."), "has neither exposures.jsonl nor exposures.parquet"),
        (("report", "--redis", "URL"), "say which experiment: there are cart-1 (600 slates), home"),
        (("report", "gone", "--redis", "URL"), "no record is of 'gone'; there are cart-1"),
        (("report", "cart-1", "--redis", "URL", "--surfaces", "BAD"), "begin each surface with"),
        (
            ("report", "cart-1", "--redis", "URL", "--surfaces", "OTHER"),
            "no experiment of the salt",
        ),
    ],
)
def test_what_a_person_can_mend_is_one_line(
    words: tuple[str, ...],
    told: str,
    lived: tuple[str, ExposureLog],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "bad.toml").write_text("a = 1")
    (tmp_path / "other.toml").write_text("[surfaces.home]")
    stands_for = {
        "URL": lived[0],
        "BAD": str(tmp_path / "bad.toml"),
        "OTHER": str(tmp_path / "other.toml"),
        ".": str(tmp_path),
    }
    assert braid(monkeypatch, *(stands_for.get(word, word) for word in words)) == 1
    assert told in capfd.readouterr().err
