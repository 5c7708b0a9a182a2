"""A request's filter, from its text on the wire to a slate that obeys it."""

import threading
from typing import Any

import numpy as np
import pytest

from ranking.filters import FilterRejected
from service import filters as module
from service.filters import Filters
from tests.service.conftest import Client

PATIENT = {"deadline_ms": 10_000}
COMEDIES = "genre = 'Comedy' and year >= 1990"


def comedy(properties: dict[str, Any]) -> bool:
    return "Comedy" in properties["genre"] and properties["year"] >= 1990


def test_filter_expression_every_item_of_a_filtered_slate_passes(api: Client) -> None:
    plain = api.recommend(user_id="196", limit=50, **PATIENT).json["items"]
    assert not all(comedy(item["properties"]) for item in plain)
    found = api.recommend(user_id="196", limit=50, filter=COMEDIES, **PATIENT).json["items"]
    assert len(found) == 50  # what was filtered out made room, and did not leave gaps
    assert all(comedy(item["properties"]) for item in found)


def test_a_filter_holds_for_similar_items_and_for_the_callers_own(api: Client) -> None:
    for path, wanted in (
        ("/v1/similar", {"seed_items": ["50"], "limit": 20}),
        ("/v1/rank", {"candidates": [str(item) for item in range(1, 300)], "limit": 20}),
    ):
        reply = api.post(path, {**wanted, "filter": COMEDIES, **PATIENT})
        assert reply.status == 200, reply.body
        assert reply.json["items"]
        assert all(comedy(item["properties"]) for item in reply.json["items"])


def test_a_filter_that_nothing_passes_gives_an_empty_slate(api: Client) -> None:
    for wanted in ({"user_id": "196"}, {"user_id": "nobody"}, {"session": ["50"]}):
        reply = api.recommend(**wanted, filter="year > 3000", **PATIENT)
        assert reply.json["items"] == []
        assert reply.json["degraded"] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yaer > 1990", "no column 'yaer'"),
        ("year > 1990 and", "at position 15"),
        ("genre > 'Drama'", "column 'genre' holds texts"),
        ("__import__('os')", "at position"),
        ("(" * 100 + "year > 1" + ")" * 100, "at position"),
        ("", "at position 0"),
    ],
)
def test_a_filter_that_cannot_be_used_is_a_400_that_says_why_and_where(
    api: Client, text: str, said: str
) -> None:
    for path, body, place in (
        ("/v1/recommendations", {"user_id": "1", "filter": text}, "$.filter"),
        (
            "/v1/recommendations/batch",
            {"queries": [{"user_id": "1"}, {"user_id": "1", "filter": text}]},
            "$.queries[1].filter",
        ),
    ):
        reply = api.post(path, body)
        assert (reply.status, reply.json["path"]) == (400, place)
        assert reply.json["type"] == "urn:braid:problem:filter-invalid"
        assert said in reply.json["detail"]


def test_a_filter_beyond_the_contract_is_not_even_read(api: Client) -> None:
    reply = api.post("/v1/recommendations", {"user_id": "1", "filter": "x" * 2001})
    assert (reply.status, reply.json["path"]) == (422, "$.filter")


CATALOGUE = [{"year": year} for year in range(1900, 2000)]


def test_a_mask_is_made_once_and_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    filters = Filters(CATALOGUE)
    mask = filters.hidden("year >= 1950")
    assert mask.tolist() == [year < 1950 for year in range(1900, 2000)]
    monkeypatch.setattr(module, "parse", None)  # who reads it again fails
    assert filters.hidden("year >= 1950") is mask
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = False


def test_a_refused_filter_is_not_kept() -> None:
    filters = Filters(CATALOGUE)
    for _ in range(3):
        with pytest.raises(FilterRejected):
            filters.hidden("yaer > 1")
    assert len(filters) == 0


def test_masks_are_bounded_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 3 * len(CATALOGUE))
    filters = Filters(CATALOGUE)
    first, second, *_ = [filters.hidden(f"year >= {year}") for year in range(1900, 1904)]
    assert len(filters) == 3
    assert filters.hidden("year >= 1901") is second
    assert filters.hidden("year >= 1900") is not first


def test_threads_that_make_up_filters_get_their_own_masks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_MASKS", 8)
    filters = Filters(CATALOGUE)
    years = np.arange(1900, 2000)
    together, wrong = threading.Barrier(4), list[int]()

    def ask(seed: int) -> None:
        rng = np.random.default_rng(seed)
        together.wait()
        for year in rng.integers(1900, 1920, 3000).tolist():
            if not np.array_equal(filters.hidden(f"year >= {year}"), years < year):
                wrong.append(year)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(filters) == 8
