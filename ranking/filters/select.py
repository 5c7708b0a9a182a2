"""Which items of a catalogue a filter keeps."""

import operator
from functools import reduce
from typing import Final

import numpy as np

from features.types import Mask
from ranking.filters.table import Labels, Numbers, Table, Unfit
from ranking.filters.tree import All, Any, Compare, Filter, Missing, Not

_COMPARE: Final = {
    "=": np.equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def select(tree: Filter, table: Table) -> Mask:
    """Return bool[n], True for the items that the filter keeps.

    The filter must have passed `check`. Every comparison of a missing value is false.
    """
    match tree:
        case All(parts):
            return reduce(operator.iand, (select(part, table) for part in parts))
        case Any(parts):
            return reduce(operator.ior, (select(part, table) for part in parts))
        case Not(part):
            mask = select(part, table)
            return np.logical_not(mask, out=mask)
        case Missing(name):
            return _missing(table, name)
        case Compare():
            return _compared(tree, table)


def _missing(table: Table, name: str) -> Mask:
    match table.columns[name]:
        case Numbers(values):
            return np.isnan(values)
        case Labels(present=present):
            return ~present
        case Unfit():
            raise AssertionError("a filter that was not checked")


def _compared(compare: Compare, table: Table) -> Mask:
    mask = np.zeros(table.size, np.bool_)
    match table.columns[compare.column]:
        case Numbers(numbers):
            ask = _COMPARE[compare.comparison]
            for value in compare.values:
                mask |= ask(numbers, value)
        case Labels(codes, starts, items):
            for value in compare.values:
                code = codes.get(str(value))
                if code is not None:
                    mask[items[starts[code] : starts[code + 1]]] = True
        case Unfit():
            raise AssertionError("a filter that was not checked")
    return mask
