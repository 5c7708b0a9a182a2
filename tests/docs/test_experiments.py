"""docs/experiments.md: its files of surfaces are read, its bucket is ours, its report comes out."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from features.events import Event
from features.exposures import EXPOSURES_KEPT, Exposure
from ranking import experiments
from ranking.surfaces import parse
from service import cli
from service.experiments.choose import choose
from service.experiments.findings import Findings
from service.experiments.listing import ExperimentsAnswer
from service.experiments.metrics import experiment_metrics
from service.experiments.shadow import MOST_WAITING
from training.experiments.sources import export

PAGE = Path(__file__).resolve().parents[2] / "docs" / "experiments.md"
TEXT = PAGE.read_text()
TOML = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
SALT = "home-diversity-1"


@pytest.mark.parametrize("block", TOML)
def test_a_file_of_surfaces_on_the_page_is_one(block: str) -> None:
    surfaces = parse(block)
    assert surfaces.by_name["home"].experiment is not None
    assert surfaces.variants


def test_the_page_shows_each_kind() -> None:
    kinds = [parse(block).by_name["home"].experiment for block in TOML]
    assert [one.kind for one in kinds if one] == ["ab", "interleaving", "shadow"]


def test_the_bucket_on_the_page_is_ours() -> None:
    [block] = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    page: dict[str, object] = {}
    exec(compile(block, PAGE.name, "exec"), page)  # noqa: S102  our own page
    theirs = page["bucket"]
    assert callable(theirs)
    for user_id in ("196", "Zoë", "a" * 128):
        assert theirs(user_id, SALT) == experiments.bucket(user_id, SALT)


def test_the_arms_are_where_the_page_says() -> None:
    surfaces = parse(TOML[0])
    for number in range(300):
        user_id = f"u{number}"
        place = experiments.bucket(user_id, SALT)
        arm = "diverse" if place < 0.25 else "longer" if place < 0.5 else "control"
        held = experiments.bucket(user_id, "holdout") < 0.05
        assert choose(surfaces, "home", user_id).arm == ("holdout" if held else arm)


def lived(folder: Path) -> None:
    """Write what 4,000 users did, of whom those who see `diverse` click more."""
    surfaces, random = parse(TOML[0]), np.random.default_rng(20261122)
    exposures, events = [], []
    for number in range(4000):
        user_id = f"u{number}"
        choice = choose(surfaces, "home", user_id)
        assert choice.experiment is not None
        own = random.beta(2, 10 if choice.arm == "diverse" else 14)
        for visit in range(1 + random.poisson(3)):
            request_id = f"{number}-{visit}"
            exposures.append(
                Exposure(user_id, "home", choice.experiment, choice.arm, request_id, visit)
            )
            if random.random() < own:
                events.append(Event(user_id, "50", "click", visit + 1, request_id=request_id))
    export(folder, "exposures", exposures)
    export(folder, "events", events)


def test_the_report_on_the_page_is_what_the_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    lived(tmp_path)
    surfaces = tmp_path / "surfaces.toml"
    surfaces.write_text(TOML[0])
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(cli, "gil_enabled", lambda: False)  # with the GIL it is said ahead of all
    words = ["experiment", "report", SALT, "--folder", str(tmp_path), "--surfaces", str(surfaces)]
    monkeypatch.setattr(sys, "argv", ["braid", *words])
    with pytest.raises(SystemExit):
        cli.main()
    printed = [line.rstrip() for line in capfd.readouterr().out.splitlines()]
    [shown] = re.findall(r"--goal click\n\n((?:    .*\n|\n)+)", TEXT)
    assert [line.removeprefix("    ").rstrip() for line in shown.rstrip().splitlines()] == printed


def test_the_numbers_on_the_page_are_the_codes() -> None:
    assert f"{EXPOSURES_KEPT:,}" in TEXT
    assert f"Up to {MOST_WAITING} answers wait" in TEXT
    for field in Findings.__struct_fields__:
        assert f"`{field}`" in TEXT
    families = experiment_metrics(ExperimentsAnswer("r", []), 0)
    for family in families:
        assert f"`{family.name}{'_total' if family.type == 'counter' else ''}`" in TEXT
