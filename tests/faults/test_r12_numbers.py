"""R12: NaN, infinity and denormals in stored rows, what is put, embeddings and scores."""

import json
import math
import re
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features import keys
from features.codec import HEADER_BYTES
from ranking.artifact import ArtifactRejected, read, read_store
from service.load import load
from service.running import running
from service.settings import Settings
from tests.faults.figures import Figures
from tests.faults.swapping import PATIENT
from tests.features.shelves import until
from tests.sealing import reseal
from tests.service.conftest import QUIET, Client
from tests.service.models import publish
from tests.stores import Store, new_store, redis_of

STRANGE = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "a denormal": 1e-40,
}
WANTED = {"user_id": "u1", "session": ["i2", "i4"], "limit": 20}
ITEMS = 60


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    return folder / publish(folder, world="one", items=ITEMS)


@pytest.fixture
def valkey(artifact: Path) -> Iterator[Store]:
    with new_store() as valkey:
        with redis_of(valkey.url) as client:
            load(client, read_store(artifact), 1000, lambda *_: None)
        yield valkey


@contextmanager
def serving(artifact: Path, redis: str, **settings: Any) -> Iterator[Client]:
    whole = Settings(artifact=artifact, redis=redis, port=0, loops=1, **PATIENT, **settings)
    with running(whole, QUIET) as service:
        client = Client(service.url)
        until(lambda: connected(client))
        try:
            yield client
        finally:
            client.close()


def metric(client: Client, name: str, labels: str = "") -> float:
    found = re.search(
        rf"^{name}_total{re.escape(labels)} (\S+)$", client.get("/metrics").body.decode(), re.M
    )
    return float(found[1]) if found else 0.0


def connected(client: Client) -> bool:
    """Tell whether the service has all of its store, which takes a busy machine a while."""
    told = client.get("/metrics").body.decode()
    found = re.findall(r'^braid_store_breaker{.*state="(\w+)"} (\S+)$', told, re.M)
    return {state for state, count in found if float(count)} == {"closed"}


def numbers(document: Any) -> Iterator[Any]:
    """Yield each number of a JSON document, and each null, which a NaN becomes."""
    if isinstance(document, dict):
        for value in document.values():
            yield from numbers(value)
    elif isinstance(document, list):
        for value in document:
            yield from numbers(value)
    elif document is None or (isinstance(document, int | float) and document is not True):
        yield document


def plain(body: bytes) -> Any:
    """Decode what is JSON by the book: no NaN, no Infinity."""

    def refuse(word: str) -> Any:
        raise AssertionError(f"{word} in JSON")

    return json.loads(body, parse_constant=refuse)


@pytest.mark.fault("R12", "NaN, infinities and denormals in stored rows")
@pytest.mark.parametrize("what", STRANGE)
def test_a_stored_value_that_is_no_number_is_imputed_and_counted(
    artifact: Path, valkey: Store, figures: Figures, what: str
) -> None:
    poisoned = [f"i{item}" for item in range(0, ITEMS, 2)]
    with redis_of(valkey.url) as client:
        for item_id in poisoned:
            row = bytearray(client.get(keys.item_row(item_id)) or b"")
            row[HEADER_BYTES : HEADER_BYTES + 4] = struct.pack("<f", STRANGE[what])
            client.set(keys.item_row(item_id), bytes(row))
        user = bytearray(client.get(keys.user_row("u1")) or b"")
        user[HEADER_BYTES : HEADER_BYTES + 4] = struct.pack("<f", STRANGE[what])
        client.set(keys.user_row("u1"), bytes(user))
    with serving(artifact, valkey.url, near_cache_mib=0) as client:
        everything = [f"i{item}" for item in range(ITEMS)]
        reply = client.post("/v1/rank", {"user_id": "u1", "candidates": everything, "limit": 60})
        answer = plain(reply.body)
        bad = 0 if math.isfinite(STRANGE[what]) else len(poisoned) + 1
        assert reply.status == 200
        figures.hold("rows present all the same", answer["coverage"]["features"], equal=1.0)
        imputed = metric(client, "braid_store_odd_rows", '{outcome="imputed"}')
        figures.hold(f"rows with {what} imputed and counted", imputed, equal=bad)
        scores = [item["score"] for item in answer["items"]]
        figures.hold("items ranked by a finite score", len(scores), equal=ITEMS)
        assert all(math.isfinite(score) for score in scores)
        # The rest of each row counts: two poisoned items do not look alike.
        assert len(set(scores)) > ITEMS / 4


@pytest.mark.fault("R12", "NaN, infinities and denormals as a scorer's answers")
def test_a_score_that_is_no_number_earns_no_place_and_is_counted(
    artifact: Path, valkey: Store, figures: Figures
) -> None:
    scorer = "tests.faults.strange_scorer:score"
    with serving(artifact, valkey.url, scorer=scorer) as client:
        pinned = {"0": "i11", "2": "i12", "4": "i13", "6": "i14", "8": "i15", "10": "i16"}
        null = strange = 0
        for wanted in (
            WANTED,
            {**WANTED, "diversity": 0.0},
            {**WANTED, "pin": pinned},
            {**WANTED, "boost": {"genre:even": 50.0}},
            {**WANTED, "debug": True, "why_not": ["i1", "i2", "i3", "i11", "i12"]},
            {**WANTED, "pin": pinned, "debug": True, "why_not": ["i11", "i12", "i13"]},
        ):
            reply = client.post("/v1/recommendations", wanted)
            assert reply.status == 200, reply.body
            answer = plain(reply.body)
            scores = [item["score"] for item in answer["items"]]
            null += scores.count(None)
            free = [
                item["score"]
                for place, item in enumerate(answer["items"])
                if str(place) not in wanted.get("pin", {})  # type: ignore[operator]  # a dict
            ]
            assert free
            strange += sum(not 0 <= score < 3000 for score in free)
        batch = {"queries": [{"session": ["i2"]}, {"user_id": "u3"}]}
        assert None not in numbers(plain(client.post("/v1/recommendations/batch", batch).body))
        figures.hold("scores that are null", null, equal=0)
        figures.hold("places earned by a strange score", strange, equal=0)
        counted = metric(client, "braid_scores_not_finite")
        figures.hold("scores dropped, as counted", counted, at_least=1)


@pytest.mark.fault("R12", "numbers beyond a float32 in what is put")
def test_a_number_that_is_none_cannot_be_put(
    artifact: Path, valkey: Store, figures: Figures
) -> None:
    with serving(artifact, valkey.url) as client:
        refused = 0
        for word in ("NaN", "Infinity", "-Infinity", "1e400", "1e39", "-3.5e38"):
            for path, kind in (("/v1/items", "items"), ("/v1/users", "users")):
                one, feature = ("item_id", "year") if kind == "items" else ("user_id", "age")
                body = f'{{"{kind}": [{{"{one}": "new", "features": {{"{feature}": {word}}}}}]}}'
                reply = client.send("PUT", path, body.encode())
                refused += reply.status in {400, 422}
        figures.hold("puts of what is no float32, refused", refused, equal=12)
        tiny = {"items": [{"item_id": "i3", "features": {"year": 1e-45}}]}
        assert client.send("PUT", "/v1/items", tiny).status == 200
        ranked = plain(
            client.post("/v1/rank", {"candidates": ["i3", "i4"], "session": ["i2"]}).body
        )
        assert all(math.isfinite(item["score"]) for item in ranked["items"])


@pytest.mark.fault("R12", "NaN, infinities and huge numbers in embeddings")
def test_an_embedding_that_is_no_vector_is_refused_and_a_denormal_one_is_harmless(
    artifact: Path, tmp_path: Path, valkey: Store, figures: Figures
) -> None:
    folder = tmp_path / artifact.name
    refused = 0
    for value in (np.nan, np.inf, -np.inf, 1e38):
        _embed(artifact, folder, value)
        with pytest.raises(ArtifactRejected, match=r"embeddings\.npy"):
            read(folder)
        refused += 1
    figures.hold("kinds of embeddings refused", refused, equal=4)
    _embed(artifact, folder, 1e-42)
    with serving(folder, valkey.url) as client:
        answer = plain(client.post("/v1/recommendations", WANTED).body)
        assert len(answer["items"]) == 20
        assert all(math.isfinite(item["score"]) for item in answer["items"])


def _embed(artifact: Path, folder: Path, value: float) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(artifact, folder)
    vectors = np.load(folder / "embeddings.npy")
    vectors[::3] = value
    np.save(folder / "embeddings.npy", vectors)
    reseal(folder)
