"""Boosts: factors that lift or lower items, whatever the sign and the scale of the scores.

A factor adds ln(factor) standard deviations of the request's scores. So above 1 is always up, 2 and
0.5 cancel each other, several factors multiply, and a change of the scores' scale changes nothing.
"""

from collections.abc import Mapping
from math import log

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Items, Mask, Scores
from ranking.attributes import Attributes
from ranking.filters import FilterRejected, Table, check, parse, select
from ranking.filters.table import Labels


def label_of(text: str, table: Table) -> tuple[str, str] | None:
    """Return the column and the label that a boost names; None where it is a filter."""
    name, colon, label = text.partition(":")
    plain = not set(name) & set(" \t'\"`=<>!()")
    return (name, label) if colon and (plain or name in table.columns) else None


def mask_of(text: str, table: Table) -> Mask:
    """Return which items a filter keeps, bool[n_items]: none if it does not fit the table."""
    try:
        tree = parse(text)
        check(tree, table)
    except FilterRejected:
        return np.zeros(table.size, np.bool_)
    return select(tree, table)


def catalogue_lift(boosts: Mapping[str, float], table: Table) -> Scores:
    """Return the sum of ln(factor) of each item: float32[n_items].

    Each boost is a ``column:label`` or a filter; what the table has not lifts nothing.
    """
    lift = np.zeros(table.size)
    for text, factor in boosts.items():
        label = label_of(text, table)
        if label is None:
            lift[mask_of(text, table)] += log(factor)
            continue
        column = table.columns.get(label[0])
        code = column.codes.get(label[1]) if isinstance(column, Labels) else None
        if isinstance(column, Labels) and code is not None:
            lift[np.unique(column.items[column.starts[code] : column.starts[code + 1]])] += log(
                factor
            )
    return lift.astype(np.float32)


def request_lift(boosts: Mapping[str, float], attributes: Attributes, items: Items) -> Scores:
    """Return the sum of ln(factor) of each of ``items`` int64[n]: float32[n].

    Each boost is a ``column:label``; what the catalogue has not lifts nothing.
    """
    lift = np.zeros(len(items), np.float32)
    for text, factor in boosts.items():
        name, _, label = text.partition(":")
        column, attribute = attributes.table.columns.get(name), attributes.of(name)
        code = column.codes.get(label) if isinstance(column, Labels) else None
        if attribute is not None and code is not None:
            add(attribute.starts, attribute.codes, items, code, log(factor), lift)
    return lift


def lifted(scores: Scores, lift: Scores) -> Scores:
    """Return scores + lift standard deviations of the finite ones: float32[n].

    Where all scores are alike, the lift alone orders.
    """
    finite = scores[np.isfinite(scores)]
    deviation = float(finite.std(dtype=np.float64)) if len(finite) else 0.0
    return np.asarray(scores + lift * np.float32(deviation or 1.0), np.float32)


@kernel(
    inputs(types.int64),
    inputs(types.int32),
    inputs(types.int64),
    types.int64,
    types.float64,
    output(types.float32),
)
def add(
    starts: NDArray[np.int64],
    codes: NDArray[np.int32],
    items: Items,
    code: int,
    amount: float,
    lift: Scores,
) -> None:
    """Add ``amount`` to the lift of each item that has the label."""
    for i in range(len(items)):
        for at in range(starts[items[i]], starts[items[i] + 1]):
            if codes[at] == code:
                lift[i] += amount
