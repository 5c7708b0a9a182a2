"""Columns of a table as feature rows: numbers as they are, words as one column per label."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np
from msgspec import to_builtins

from features.schema import Feature, Schema
from features.types import Rows

MOST_LABELS: Final = 64
"""A longer vocabulary keeps its most frequent labels; the rest have no column."""

_FORBIDDEN: Final = re.compile(r"[\s\",:\[\]{}]+")
"""What LightGBM does not allow in a column's name."""


@dataclass(frozen=True, slots=True)
class FeatureColumns:
    """A feature and its values, float32[n, feature.width]."""

    feature: Feature
    values: Rows


def numbers(name: str, values: Sequence[float | None]) -> FeatureColumns:
    """Make one column; the median of what is known stands in for what is not."""
    known = [value for value in values if value is not None and isfinite(value)]
    default = float(np.float32(np.median(known))) if known else 0.0
    column = [default if value is None or not isfinite(value) else value for value in values]
    feature = Feature(name=name, default=default)
    return FeatureColumns(feature, np.array(column, dtype=np.float32).reshape(-1, 1))


def labels(name: str, values: Sequence[Collection[str]]) -> FeatureColumns | None:
    """Make one column of 0 and 1 per label, in alphabetical order; None where there is no label.

    A label that occurs once says nothing about anything else and gets no column. Blanks and
    punctuation that a model's text cannot hold become ``_``.
    """
    values = [{_FORBIDDEN.sub("_", label) for label in row} for row in values]
    counts = Counter(label for row in values for label in row)
    common = [label for label in counts if counts[label] > 1]
    frequent = sorted(common, key=lambda label: (-counts[label], label))[:MOST_LABELS]
    vocabulary = {label: column for column, label in enumerate(sorted(frequent))}
    if not vocabulary:
        return None
    rows = np.zeros((len(values), len(vocabulary)), dtype=np.float32)
    for row, own in enumerate(values):
        rows[row, [vocabulary[label] for label in own if label in vocabulary]] = 1.0
    return FeatureColumns(
        Feature(name=name, shape=(len(vocabulary),), labels=tuple(vocabulary)), rows
    )


def lay_out(name: str, parts: Sequence[FeatureColumns | None], n: int) -> tuple[Schema, Rows]:
    """Put the columns side by side: the schema and its rows float32[n, w].

    Raises:
        SchemaInvalid: a name is none, or occurs twice.
    """
    kept = [part for part in parts if part is not None]
    features = [to_builtins(part.feature) for part in kept]
    schema = Schema.parse({"name": name, "version": 1, "features": features})
    rows = [np.empty((n, 0), dtype=np.float32), *(part.values for part in kept)]
    return schema, np.ascontiguousarray(np.concatenate(rows, axis=1))
