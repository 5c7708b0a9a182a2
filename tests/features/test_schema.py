"""The schema: a layout that follows from the declaration, and errors that say what to mend."""

import re
from typing import Any

import numpy as np
import pytest

from features.errors import SchemaInvalid
from features.schema import Schema
from tests.features.schemas import ITEM


def test_columns_follow_the_declaration_in_order() -> None:
    names = ("year", "genre=Action", "genre=Comedy", "genre=Drama", "vector=0", "vector=1")
    assert (ITEM.columns, ITEM.width) == (names, 6)


def test_the_default_row_repeats_each_default_over_its_columns() -> None:
    assert ITEM.default_row.tolist() == [1990, 0, 0, 0, 0.5, 0.5]
    assert ITEM.default_row.dtype == np.float32


def test_the_default_row_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ITEM.default_row[0] = 1


def test_a_schema_without_features_has_rows_without_columns() -> None:
    empty = Schema.parse({"name": "user", "version": 1, "features": []})
    assert (empty.width, empty.default_row.shape) == (0, (0,))


def test_json_and_what_it_decodes_to_give_the_same_schema() -> None:
    text = b'{"name": "item", "version": 2, "features": [{"name": "tags", "shape": [2]}]}'
    document = {"name": "item", "version": 2, "features": [{"name": "tags", "shape": [2]}]}
    assert Schema.parse(text) == Schema.parse(document)


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        ({"shape": [2, 2]}, "feature 'genre': shape (2, 2) has more than one axis"),
        ({"shape": [3], "labels": ["a"]}, "feature 'genre': 1 labels for 3 columns; give one"),
        ({"shape": [2], "labels": ["a", "a"]}, "feature 'genre': labels must differ"),
        ({"default": float("nan")}, "feature 'genre': the default must be a finite"),
        ({"default": float("-inf")}, "feature 'genre': the default must be a finite"),
        ({"default": 1e39}, "feature 'genre': the default must be a finite float32"),
        ({"dtype": "int32", "default": 2.0**24 + 2}, "feature 'genre': integers above 2**24"),
        ({"name": "year"}, "['year'] declared twice"),
        ({"name": "two words"}, "at `$.features[1].name`"),
        ({"dtype": "object"}, "Invalid enum value 'object' - at `$.features[1].dtype`"),
        ({"shape": [0]}, "Expected `int` >= 1 - at `$.features[1].shape[0]`"),
        ({"shape": [5000]}, "Expected `int` <= 4096 - at `$.features[1].shape[0]`"),
        ({"defualt": 3}, "unknown field `defualt` - at `$.features[1]`"),
    ],
)
def test_a_wrong_feature_is_named_with_what_to_change(
    declared: dict[str, Any], complaint: str
) -> None:
    features = [{"name": "year"}, {"name": "genre", **declared}]
    with pytest.raises(SchemaInvalid, match=re.escape(complaint)):
        Schema.parse({"name": "item", "version": 1, "features": features})


@pytest.mark.parametrize(
    "document",
    [
        {"name": "item", "features": []},
        {"name": "item", "version": 0, "features": []},
        {"name": "item", "version": 65536, "features": []},
        {"name": "item", "version": 1, "features": {}},
        b"",
        b"{",
        b"null",
        b'{"name": "\xff"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_schema_is_refused(document: dict[str, Any] | bytes) -> None:
    with pytest.raises(SchemaInvalid, match="schema: "):
        Schema.parse(document)
