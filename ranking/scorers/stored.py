"""Scorers made of numbers, as an artifact keeps them: a description and one array."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ranking.scorers.factorisation import FactorisationScorer
from ranking.scorers.linear import LinearScorer
from ranking.scorers.mlp import MlpScorer

StoredScorer = LinearScorer | MlpScorer | FactorisationScorer
"""Has ``description``, a JSON object, and ``parameters``, float32[p], from which it is restored."""


def restore(
    description: object, parameters: NDArray[np.float32], columns: Sequence[str]
) -> StoredScorer:
    """Make a scorer again, bit for bit, from its description, its parameters and its columns.

    Raises ValueError if the description is not one that a scorer gives of itself, or does not
    agree with the number of the parameters or of the columns.
    """
    match description:
        case {"kind": "linear", **rest} if not rest:
            return LinearScorer(parameters[1:], parameters[:1].item(), columns)
        case {"kind": "mlp", "widths": [*widths], **rest} if not rest and _whole(*widths):
            return MlpScorer(parameters, columns, widths)
        case {"kind": "factorisation", "factors": factors, **rest} if not rest and _whole(factors):
            return FactorisationScorer(parameters, columns, factors)
    raise ValueError(f"{description!r} describes no scorer")


def _whole(*values: object) -> bool:
    return all(type(value) is int for value in values)
