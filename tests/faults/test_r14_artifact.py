"""R14: an artifact is damaged, in every way that we could think of, and activated under load."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ranking.scorers import forest
from service.running import running
from service.settings import Settings
from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.swapping import PATIENT, Clients, Operator, address, known, two_models, wishes
from tests.service.conftest import QUIET
from tests.service.damages import DAMAGED

FEWEST_WAYS = 14


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def versions(folder: Path) -> list[str]:
    return two_models(folder)


@pytest.fixture
def url(folder: Path, versions: list[str]) -> Iterator[str]:
    settings = Settings(artifact=folder / versions[0], port=0, loops=2, **PATIENT)
    with running(settings, QUIET) as service:
        yield service.url


@pytest.mark.fault("R14", "an artifact damaged in every way, activated under load")
def test_a_damaged_artifact_is_refused_before_a_kernel_sees_it_and_the_old_model_serves(
    folder: Path,
    versions: list[str],
    url: str,
    figures: Figures,
    length: Length,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = versions
    original = shutil.copytree(folder / second, folder.parent / "original")
    laid_out = list[object]()
    monkeypatch.setattr(forest, "lay_out", laid_out.append)
    told, listed = 0, 0
    clients = length.pick(short=4, ci=16, full=64)
    at = address(url)
    with Operator(at) as operator, Clients(at, clients, known(at, wishes())) as load:
        for damage, words in DAMAGED.items():
            shutil.rmtree(folder / second)
            shutil.copytree(original, folder / second)
            damage(folder / second)
            status, answer = operator.activate(second)
            told += status == 422 and words in answer["detail"]
            versions_told = {one["version"]: one for one in operator.models()["versions"]}
            [refusal] = versions_told[second]["refused_by"]
            listed += refusal["reason"] == answer["detail"] and versions_told[first]["active"]
        shown = _braid_models(url)
    figures.hold("ways to damage it", len(DAMAGED), at_least=FEWEST_WAYS)
    figures.hold("refused with 422 and the reason", told, equal=len(DAMAGED))
    figures.hold("told by `GET /v1/models`", listed, equal=len(DAMAGED))
    figures.hold("models that came to a kernel", len(laid_out), equal=0)
    figures.hold("answers that failed meanwhile", len(load.failed), equal=0)
    figures.hold("answers not of the old model", len(load.mixed), equal=0)
    figures.note("answers", load.served.total())
    assert [*load.served] == [first]
    assert answer["detail"] in shown, "the last reason is what `braid models` shows"


def _braid_models(url: str) -> str:
    command = [sys.executable, "-m", "service.cli", "models", "--url", url]
    environment = {**os.environ, "COLUMNS": "1000"}
    shown = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    return " ".join(shown.decode().split())
