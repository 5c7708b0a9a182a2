"""`debug` over real HTTP: what is said of a slate is what was done to make it."""

from typing import Any

import numpy as np
import pytest

from features.types import Context, Query
from ranking.masks import blocked
from service.app import Service
from service.embedded import EmbeddedValkey
from service.explain.masks import masks_of, union
from tests.service.conftest import Client

PATIENT: dict[str, Any] = {"deadline_ms": 10_000}


def debugged(api: Client, **wanted: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an answer and its debug part."""
    answer = api.recommend(debug=True, **PATIENT, **wanted).json
    return answer, answer["debug"]


def fate(api: Client, item_id: str, **wanted: Any) -> dict[str, Any]:
    _, debug = debugged(api, why_not=[item_id], **wanted)
    [found] = debug["why_not"]
    assert found["item_id"] == item_id
    assert isinstance(found, dict)
    return found


def test_explain_one_request(api: Client) -> None:
    answer, debug = debugged(api, user_id="196", limit=10)
    assert [item["item_id"] for item in debug["items"]] == [
        item["item_id"] for item in answer["items"]
    ]
    assert [item["place"] for item in debug["items"]] == list(range(1, 11))
    for shown, item in zip(answer["items"], debug["items"], strict=True):
        assert shown["source"] in {one["source"] for one in item["provenance"]}
        [attribution] = item["attributions"]
        assert attribution["method"] == "tree_shap"
        parts = sum(attribution["contributions"].values())
        assert attribution["base"] + parts == pytest.approx(shown["score"], abs=1e-4)
        assert attribution["score"] == pytest.approx(shown["score"], abs=1e-4)
        assert set(attribution["contributions"]) <= set(item["features"])
        assert item["objectives"] == {"model": pytest.approx(shown["score"], abs=1e-5)}
