"""Three replicas, one store, one proxy: started once, for all tests here."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from benchmarks.proxy import MISSING, PROGRAM, Proxy, proxied
from tests.faults.conftest import figures as figures
from tests.faults.conftest import length as length
from tests.faults.swapping import filled, two_models
from tests.replicas.fleet import Fleet, fleet

TRIED = """
[surfaces.tried]
limit = 10
deadline_ms = 5000
[surfaces.tried.experiment]
salt = "tried-1"
holdout = 0.1
[surfaces.tried.experiment.variants.short]
share = 0.5
settings = { limit = 4 }
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replicas")


@pytest.fixture(scope="session")
def versions(folder: Path) -> list[str]:
    return two_models(folder)


@pytest.fixture(scope="session")
def store(folder: Path, versions: list[str]) -> Iterator[str]:
    with filled(folder, versions[0]) as url:
        yield url


@pytest.fixture(scope="session")
def replicas(folder: Path, versions: list[str], store: str) -> Iterator[Fleet]:
    """Three, with an experiment on a surface of its own."""
    surfaces = folder / "surfaces.toml"
    surfaces.write_text(files("service.surfaces").joinpath("default.toml").read_text() + TRIED)
    with fleet(folder, versions[0], store, "--surfaces", str(surfaces)) as replicas:
        yield replicas


@pytest.fixture(scope="session")
def proxy(folder: Path, replicas: Fleet) -> Iterator[Proxy]:
    if PROGRAM is None:
        pytest.skip(MISSING)
    with proxied(folder, replicas.addresses) as proxy:
        yield proxy
