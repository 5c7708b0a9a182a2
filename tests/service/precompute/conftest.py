"""A store with a past of its own, and the artifact's users in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.filling import fill
from tests.stores import Store, new_store

SURFACES = """\
[surfaces.home]
limit = 12
deadline_ms = 9000

[surfaces.home.rerank]
explore = { share = 0.2, first_place = 3 }

[surfaces.home.filters]
served = { hide_after = 2, within_s = 86400 }

[surfaces.home.experiment]
salt = "home-1"
[surfaces.home.experiment.variants.short]
share = 0.5
settings = { limit = 4 }
"""


@pytest.fixture(scope="module")
def own_store(artifacts: Path) -> Iterator[Store]:
    """One that no other test writes events to."""
    with new_store() as store:
        fill(store, artifacts)
        yield store


@pytest.fixture(scope="session")
def surfaces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of surfaces whose slates depend on seed, user, and what was shown."""
    file = tmp_path_factory.mktemp("surfaces") / "surfaces.toml"
    file.write_text(SURFACES)
    return file


@pytest.fixture
def some_users(tmp_path: Path) -> Path:
    """Sixty of the data set's users and two strangers, a line each."""
    file = tmp_path / "users.txt"
    file.write_text("\n".join([*map(str, range(1, 61)), "a stranger", "another one", ""]))
    return file
