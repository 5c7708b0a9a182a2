"""What a service logs of its features is what it scored, and goes all the way to training."""

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from redis import Redis
from rich.console import Console

from features import keys
from features.served_features import RECORD, ServedFeatures, decode
from features.streams import entries
from service.app import Service
from service.running import running
from service.settings import Settings
from tests.service.conftest import Client, fill
from tests.stores import Store, new_store, redis_of
from training.logs.export import export
from training.served import read_served

USERS = ("1", "196", "405")


@pytest.fixture(scope="module")
def own(artifacts: Path) -> Iterator[Store]:
    with new_store() as valkey:
        fill(valkey, artifacts)
        yield valkey


@pytest.fixture(scope="module")
def logging(artifacts: Path, own: Store) -> Iterator[Service]:
    """A service that logs every request's features."""
    settings = Settings(artifact=artifacts, redis=own.url, port=0, fetch_budget_ms=5000)
    settings = replace(settings, log_features=1.0, write_budget_ms=5000)
    with running(settings, Console(file=io.StringIO())) as service:
        yield service


def logged(client: Redis, *request_ids: str) -> dict[str, ServedFeatures]:
    """Wait until these requests' records are there; return all by request."""
    until = time.monotonic() + 30
    while True:
        found = [decode(entry) for entry in entries(client, keys.SERVED_FEATURES, RECORD)]
        by_request = {served.head.request_id: served for served in found}
        if by_request.keys() >= {*request_ids} or time.monotonic() > until:
            return by_request
        time.sleep(0.01)


def test_features_as_served_are_logged_exported_and_learnt_from(
    logging: Service, own: Store, tmp_path: Path
) -> None:
    api = Client(logging.url)
    slates = {user: api.recommend(user_id=user, limit=10).json for user in USERS}
    clicks = [
        {
            "user_id": user,
            "item_id": slate["items"][3]["item_id"],
            "type": "click",
            "request_id": slate["request_id"],
        }
        for user, slate in slates.items()
    ]
    assert api.post("/v1/events", {"events": clicks}).status == 200
    snapshot = logging.state.read().snapshot
    with redis_of(own.url) as client:
        records = logged(client, *(slate["request_id"] for slate in slates.values()))
        export(client, tmp_path)
    found = read_served(tmp_path, snapshot.scorer.columns)
    expected, labels = [], []
    for user, slate in slates.items():
        served = records[slate["request_id"]]
        head = served.head
        assert (head.user_id, head.surface, head.variant) == (user, "home", slate["variant"])
        assert head.model_version == slate["model_version"]
        shown = [head.item_ids[pick] for pick in head.picks]
        assert shown == [item["item_id"] for item in slate["items"]]
        # The rows are those that were scored: the model says of them what the client was told.
        assert snapshot.scorer(served.rows).tobytes() == served.scores.tobytes()
        scores = served.scores[list(head.picks)].astype(np.float64)
        assert [item["score"] for item in slate["items"]] == scores.round(6).tolist()
        rows = sorted(head.picks)
        expected.append(served.rows[rows])
        labels += [2 * (row == head.picks[3]) for row in rows]
    assert found.requests.tolist() == [10] * len(USERS)
    assert sorted(map(bytes, found.rows)) == sorted(map(bytes, np.concatenate(expected)))
    assert found.labels.sum() == sum(labels)
    by_row = dict(zip(map(bytes, found.rows), found.labels.tolist(), strict=True))
    wanted = dict(zip(map(bytes, np.concatenate(expected)), labels, strict=True))
    assert by_row == wanted
    api.close()


def test_a_batch_logs_each_of_its_answers(logging: Service, own: Store) -> None:
    api = Client(logging.url)
    with redis_of(own.url) as client:
        queries = [{"user_id": user} for user in USERS]
        answer = api.post("/v1/recommendations/batch", {"queries": queries}).json
        request_ids = {slate["request_id"] for slate in answer["slates"]}
        assert len(request_ids) == len(USERS)
        assert request_ids <= logged(client, *request_ids).keys()
    api.close()


def test_a_service_that_is_not_told_logs_nothing(service: Service, filled: Store) -> None:
    api = Client(service.url)
    api.recommend(user_id="1")
    api.close()
    time.sleep(0.1)  # ten times as long as records wait
    with redis_of(filled.url) as client:
        assert not client.exists(keys.SERVED_FEATURES)
