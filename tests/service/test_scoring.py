"""What a surface says of scoring, over HTTP: the log of a request shows that it was done."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from features.served_features import ServedFeatures
from service.app import Service
from service.running import running
from service.settings import Settings
from tests.ranking import plain
from tests.service.conftest import QUIET, Client, fill
from tests.service.test_feature_log import logged
from tests.stores import Store, new_store, redis_of

SURFACES = """\
[surfaces.whole]
deadline_ms = 9000
[surfaces.light]
deadline_ms = 9000
scoring = { light_keeps = 40 }
[surfaces.weighted]
deadline_ms = 9000
[surfaces.weighted.scoring]
objectives = { model = 1.0, "item.year" = -0.4, "tests.service.test_scoring:taste" = 0.2 }
[surfaces.blind]
deadline_ms = 9000
features = ["item.*", "user.*"]
"""


def taste(_user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    """Score by the closest of the recent items alone."""
    return list(items["taste.best"])


@pytest.fixture(scope="module")
def own(artifacts: Path) -> Iterator[Store]:
    with new_store() as valkey:
        fill(valkey, artifacts)
        yield valkey


@pytest.fixture(scope="module")
def scoring(
    artifacts: Path, own: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    file = tmp_path_factory.mktemp("scoring") / "surfaces.toml"
    file.write_text(SURFACES)
    settings = Settings(
        artifact=artifacts,
        redis=own.url,
        port=0,
        fetch_budget_ms=5000,
        write_budget_ms=5000,
        surfaces=file,
        log_features=1.0,
    )
    with running(settings, QUIET) as service:
        yield service


def served(service: Service, valkey: Store, surface: str) -> ServedFeatures:
    client = Client(service.url)
    answer = client.recommend(user_id="196", surface=surface, limit=5).json
    client.close()
    with redis_of(valkey.url) as redis:
        record = logged(redis, answer["request_id"])[answer["request_id"]]
    shown = [record.head.item_ids[pick] for pick in record.head.picks]
    assert shown == [item["item_id"] for item in answer["items"]]
    return record


def test_only_the_best_of_the_light_phase_are_scored(scoring: Service, own: Store) -> None:
    light, whole = (served(scoring, own, name) for name in ("light", "whole"))
    assert len(light.head.item_ids) == 40
    assert set(light.head.item_ids) < set(whole.head.item_ids)


def test_several_objectives_are_weighed_against_each_other(scoring: Service, own: Store) -> None:
    found = served(scoring, own, "weighted")
    snapshot = scoring.state.read().snapshot
    items = snapshot.catalogue.ordinals(found.head.item_ids)
    year = snapshot.item_columns.index("year")
    best = snapshot.scorer.columns.index("taste.best")
    values = (snapshot.scorer(found.rows), snapshot.item_rows[items, year], found.rows[:, best])
    expected = plain.blend(np.stack(values), np.array([1.0, -0.4, 0.2]))
    np.testing.assert_allclose(found.scores, expected, rtol=1e-4, atol=1e-4)


def test_the_model_sees_what_is_in_the_surface_s_view(scoring: Service, own: Store) -> None:
    blind, whole = (served(scoring, own, name) for name in ("blind", "whole"))
    seen = np.array([name.startswith(("item.", "user.")) for name in blind.head.columns])
    assert blind.head.item_ids == whole.head.item_ids
    assert blind.rows.tobytes() == np.where(seen, whole.rows, np.float32(0)).tobytes()
    scorer = scoring.state.read().snapshot.scorer
    assert blind.scores.tobytes() == scorer(blind.rows).tobytes()
