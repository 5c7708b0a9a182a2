"""Features as a client gives them, by name, and the columns of a row that they are."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.schema import LARGEST_EXACT_INT, LARGEST_FLOAT32, Feature, Schema
from features.types import Rows


class FeatureRejected(ValueError):
    """A feature that the schema has not, or not like this; ``path`` leads to it."""

    def __init__(self, path: str, fault: str) -> None:
        super().__init__(fault)
        self.path = path


class Cell(NamedTuple):
    """Values float32[k] of a row, from ``column`` on."""

    column: int
    values: NDArray[np.float32]


def cells_of(given: Mapping[str, Any], schema: Schema) -> list[Cell]:
    """Return the cells that features given by name are.

    A single feature is a number, or true or false. One with a shape is a list of as many numbers;
    where it has labels, it may be a list of those that are 1, the others 0, or just one of them, or
    an object of some labels with their numbers.

    Raises:
        FeatureRejected: with the path of what is wrong, ``.genre[2]`` say, and the remedy.
    """
    return [_cell(name, value, schema) for name, value in given.items()]


def lay(row: Rows, cells: Iterable[Cell]) -> None:
    """Write cells to a row float32[w]."""
    for column, values in cells:
        row[column : column + len(values)] = values


def _cell(name: str, value: object, schema: Schema) -> Cell:
    path = f".{name}"
    if name not in schema.places:
        near = get_close_matches(name, schema.places, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(schema.places)}"
        raise FeatureRejected(path, f"the {schema.name} schema has no such feature; {hint}")
    feature, column = schema.places[name]
    match value:
        case str() if feature.labels:
            values = _labelled({value: 1.0}, feature, path)
        case list() if feature.shape and value and all(isinstance(one, str) for one in value):
            values = _labelled(dict.fromkeys(value, 1.0), feature, path)
        case list() if feature.shape and (value or not feature.labels):
            if len(value) != feature.width:
                raise FeatureRejected(
                    path, f"has {len(value)} values; the schema says {feature.width}"
                )
            values = [_number(one, feature, f"{path}[{i}]") for i, one in enumerate(value)]
        case list() if feature.shape:  # none of its labels
            values = [0.0] * feature.width
        case dict() if feature.shape:
            values = _labelled(value, feature, path)
        case _ if not feature.shape:
            values = [_number(value, feature, path)]
        case _:
            raise FeatureRejected(path, f"is a list of {feature.width} numbers; send a list")
    return Cell(column, np.array(values, np.float32))


def _labelled(given: Mapping[str, object], feature: Feature, path: str) -> list[float]:
    if not feature.labels:
        raise FeatureRejected(path, f"has no labels; send {feature.width} numbers")
    values = dict.fromkeys(feature.labels, 0.0)
    for label, value in given.items():
        if label not in values:
            near = get_close_matches(label, feature.labels, cutoff=0.5) or feature.labels[:20]
            raise FeatureRejected(
                f"{path}.{label}", f"is none of its labels; there are {', '.join(near)}"
            )
        values[label] = _number(value, feature, f"{path}.{label}")
    return [*values.values()]


def _number(value: object, feature: Feature, path: str) -> float:
    if not isinstance(value, int | float):  # true and false are ints
        raise FeatureRejected(path, f"is {type(value).__name__}; send a number")
    if not abs(value) <= LARGEST_FLOAT32:  # nor is NaN
        raise FeatureRejected(path, "is no finite float32; send a smaller number")
    if feature.dtype == "bool" and value not in (0, 1):
        raise FeatureRejected(path, "is a truth value; send true or false")
    if feature.dtype == "int32" and not (value == int(value) and abs(value) <= LARGEST_EXACT_INT):
        raise FeatureRejected(path, "is a whole number up to 2**24; send one")
    return float(value)
