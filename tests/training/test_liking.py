"""What segments of users like, against counting one by one."""

from math import log
from typing import Any

import numpy as np
import pytest

from features.types import Context
from ranking.columns import ItemLayout
from ranking.retrieval import segment
from tests.training.worlds import small_world
from training.fit import fit
from training.interactions import Interactions
from training.liking import BANDS, PRIOR, liking
from training.popularity import weights

WORLD = small_world()
OWN = WORLD.interactions
AGE_AND_TOWN: dict[str, Any] = {
    "name": "user",
    "version": 1,
    "features": [
        {"name": "age"},
        {"name": "town", "shape": [2], "labels": ["Oslo", "Rome"]},
    ],
}


def rows() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Even users, who like even items, are of Oslo, odd ones of Rome; one is of neither."""
    users = np.arange(40)
    towns = np.stack((users % 2 == 0, users % 2 == 1), axis=1)
    towns[7] = False
    return np.hstack((users[:, None] + 20.0, towns)).astype(np.float32)


def test_each_segment_s_share_is_counted_and_shrunk_towards_everybody_s() -> None:
    found = liking(OWN, rows(), AGE_AND_TOWN, 60)
    assert found is not None
    faded, total = weights(OWN), float(weights(OWN).sum())
    oslo = rows()[OWN.users, 1] > 0
    for place, item in enumerate(found.items.tolist()):
        own = OWN.items == item
        share = float(faded[own].sum()) / total
        of_oslo = (float(faded[own & oslo].sum()) + PRIOR * share) / (
            float(faded[oslo].sum()) + PRIOR
        )
        assert found.logs[0, place] == pytest.approx(log(share), rel=1e-4)
        assert found.logs[1 + BANDS, place] == pytest.approx(log(of_oslo / share), abs=1e-5)
    assert found.logs.shape == (1 + BANDS + 2, len(found.items))
    assert found.edges.tolist() == [pytest.approx([27.8, 35.6, 43.4, 51.2])]


def test_popular_by_segment_is_what_cold_start_users_of_a_kind_like() -> None:
    made = fit(WORLD, OWN, seed=1)
    segments = liking(OWN, rows(), AGE_AND_TOWN, 60)
    object.__setattr__(made, "segments", segments)  # of a schema that knows the town
    nothing = np.empty(0, np.int64)
    for town in (0, 1):
        row = np.array([np.nan, town == 0, town == 1], np.float32)
        newcomer = Context(row, True, nothing, nothing)
        found = segment.retrieve(newcomer, made, np.zeros(60, np.bool_), 20)
        assert (found.items % 2 == town).mean() > 0.7


def test_users_of_any_schema_have_segments() -> None:
    nothing = Interactions.of(np.empty(0, "i4"), np.empty(0, "i4"), np.empty(0, "i8"), 40)
    assert liking(nothing, rows(), AGE_AND_TOWN, 60) is None
    own = AGE_AND_TOWN["features"]
    subsets: list[list[dict[str, Any]]] = [[], own[:1], own[1:]]
    for features in subsets:
        schema = {**AGE_AND_TOWN, "features": features}
        width = sum(int(np.prod(feature.get("shape", ()))) for feature in features)
        layout = ItemLayout.of(schema)
        found = liking(OWN, np.ascontiguousarray(rows()[:, 3 - width :]), schema, 60)
        assert found is not None
        segments = BANDS * len(layout.numbers) + len(layout.attributes)
        assert found.logs.shape == (1 + segments, 60)
        assert np.isfinite(found.logs).all()
        row = np.zeros(width, np.float32)
        assert np.isfinite(found.scores_for(row)).all()
