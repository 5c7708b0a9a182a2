"""Features by name become cells of a row, or say what is wrong and where."""

from typing import Any

import numpy as np
import pytest

from features.given import FeatureRejected, cells_of, lay
from features.schema import Schema

SCHEMA = Schema.parse(
    {
        "name": "item",
        "version": 1,
        "features": [
            {"name": "year", "dtype": "int32", "default": 1990},
            {"name": "price", "default": 9.5},
            {"name": "on_sale", "dtype": "bool"},
            {"name": "genre", "shape": [3], "labels": ["a", "b", "c"]},
            {"name": "vector", "shape": [2], "default": 0.5},
        ],
    }
)


def laid(given: dict[str, Any]) -> list[float]:
    row = SCHEMA.default_row.copy()
    lay(row, cells_of(given, SCHEMA))
    values: list[float] = row.tolist()
    return values


def test_what_is_not_given_stays() -> None:
    assert laid({}) == SCHEMA.default_row.tolist()
    assert laid({"price": 1}) == [1990, 1, 0, 0, 0, 0, 0.5, 0.5]


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"year": 2000}, [2000]),
        ({"year": 2000.0}, [2000]),
        ({"on_sale": True}, [1]),
        ({"on_sale": 0}, [0]),
        ({"genre": ["c", "a"]}, [1, 0, 1]),
        ({"genre": "b"}, [0, 1, 0]),
        ({"genre": []}, [0, 0, 0]),
        ({"genre": {}}, [0, 0, 0]),
        ({"genre": {"b": 0.5}}, [0, 0.5, 0]),
        ({"genre": [0.25, 0, True]}, [0.25, 0, 1]),
        ({"vector": [-1, 1e-3]}, np.array([-1, 1e-3], "f4").tolist()),
    ],
)
def test_each_kind_of_feature_may_be_said_in_its_ways(
    given: dict[str, Any], values: list[float]
) -> None:
    [cell] = cells_of(given, SCHEMA)
    assert cell.values.tolist() == values
    assert cell.values.dtype == np.float32
    name = next(iter(given))
    assert SCHEMA.columns[cell.column].partition("=")[0] == name


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        ({"zzz": 1}, ".zzz", "it has year, price"),
        ({"prise": 1}, ".prise", "did you mean price"),
        ({"year": 2000.5}, ".year", "whole number"),
        ({"year": 2**24 + 1}, ".year", "2\\*\\*24"),
        ({"price": float("nan")}, ".price", "finite"),
        ({"price": float("-inf")}, ".price", "finite"),
        ({"price": 10**400}, ".price", "finite"),
        ({"price": None}, ".price", "NoneType"),
        ({"price": "dear"}, ".price", "send a number"),
        ({"on_sale": 2}, ".on_sale", "truth value"),
        ({"genre": ["d"]}, ".genre.d", "there are a, b, c"),
        ({"genre": [1, 0]}, ".genre", "has 2 values"),
        ({"genre": ["a", 1, 2]}, ".genre[0]", "number"),
        ({"genre": {"a": "b"}}, ".genre.a", "number"),
        ({"vector": []}, ".vector", "has 0 values"),
        ({"vector": ["a", "b"]}, ".vector", "no labels"),
        ({"vector": {"0": 1}}, ".vector", "no labels"),
        ({"vector": 1}, ".vector", "send a list"),
        ({"vector": [1, float("inf")]}, ".vector[1]", "finite"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place_and_the_remedy(
    given: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(FeatureRejected, match=words) as refused:
        cells_of(given, SCHEMA)
    assert refused.value.path == path
