"""Calibration: a slate whose labels are in the proportions of what the user has consumed.

Steck, "Calibrated recommendations", RecSys 2018. An item with m labels is a share of 1/m of each
(equation 2); the taste is the mean over the history, all of it alike.
"""

from typing import Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from features.types import Items
from ranking.attributes import Attribute
from ranking.rerank.within import Proportions

MOST_HISTORY: Final = 200
"""How many items of the history, the latest, make the taste."""

type Indices = NDArray[np.int32]
type Numbers = NDArray[np.int64]
type Doubles = NDArray[np.float64]


def no_proportions(count: int) -> Proportions:
    """Return those of so many items without labels."""
    none = np.empty(0, np.int64), np.empty(0), np.empty(0)
    return Proportions(np.zeros(count + 1, np.int64), np.empty(0, np.int32), *none)


def proportions(attribute: Attribute, history: Items, items: Items) -> Proportions:
    """Return the labels' shares in the taste of a history and in each of ``items`` int64[n].

    A label that the history has not is left out: a slate's divergence does not depend on it.
    """
    taste = np.zeros(attribute.n_labels)
    starts, codes = attribute.starts, attribute.codes
    share_out(starts, codes, history[:MOST_HISTORY], taste)
    most = int((starts[items + 1] - starts[items]).sum())
    widest = int((starts[items + 1] - starts[items]).max(initial=0))
    numbers = np.full((attribute.n_labels, widest + 1), -1, np.int32)
    first, pairs = np.zeros(len(items) + 1, np.int64), np.empty(most, np.int32)
    labels, shares = np.empty(most, np.int64), np.empty(most)
    count = portion(starts, codes, items, taste, numbers, first, pairs, labels, shares)
    return Proportions(first, pairs, labels[:count], shares[:count], taste)


@kernel(inputs(types.int64), inputs(types.int32), inputs(types.int64), output(types.float64))
def share_out(starts: Numbers, codes: Indices, history: Items, taste: Doubles) -> None:
    """Write the mean share of each label, of the items that have any."""
    labelled = 0
    for item in history:
        if starts[item + 1] > starts[item]:
            labelled += 1
    for item in history:
        low, high = starts[item], starts[item + 1]
        for at in range(low, high):
            taste[codes[at]] += 1.0 / ((high - low) * labelled)


@kernel(
    inputs(types.int64),
    inputs(types.int32),
    inputs(types.int64),
    inputs(types.float64),
    output(types.int32, 2),
    output(types.int64),
    output(types.int32),
    output(types.int64),
    output(types.float64),
    returns=types.int64,
)
def portion(
    starts: Numbers,
    codes: Indices,
    items: Items,
    taste: Doubles,
    numbers: NDArray[np.int32],
    first: Numbers,
    pairs: Indices,
    labels: Numbers,
    shares: Doubles,
) -> int:
    """Write the `Proportions` of the items; return how many pairs of label and share there are.

    ``numbers`` is int32[l, most labels of an item + 1] of -1: the pair of each, once it was met.
    """
    count = end = 0
    for i in range(len(items)):
        low, high = starts[items[i]], starts[items[i] + 1]
        for at in range(low, high):
            code = codes[at]
            if taste[code] > 0.0:
                if numbers[code, high - low] < 0:
                    numbers[code, high - low] = count
                    labels[count], shares[count] = code, 1.0 / (high - low)
                    count += 1
                pairs[end] = numbers[code, high - low]
                end += 1
        first[i + 1] = end
    return count
