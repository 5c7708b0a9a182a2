"""How diversity grows with the place: the top of a list belongs to relevance."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# People look at the top first, and NDCG counts it most: a less relevant item costs most there,
# while a list is nearly as varied if only the rest of it is. Of a list of 10, which is what is
# measured, the last place has all of it. Chosen on a validation cut: docs/decisions/0016.
RAMP: Final = 9
"""From this place on, counted from 0 at the top of the first page, slates ask for all of it."""


def strengths(diversity: float, ramp: int, above: int, k: int) -> NDArray[np.float64]:
    """Return each place's diversity, float64[k]: place p has diversity * min(1, p / ramp).

    The first of the k is place ``above``. A ``ramp`` of 1 is full strength everywhere but at
    place 0.
    """
    return diversity * np.minimum(np.arange(above, above + k) / ramp, 1.0)
