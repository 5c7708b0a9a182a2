"""What every scorer made of numbers asks of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def checked(parameters: NDArray[np.floating[Any]], count: int) -> NDArray[np.float32]:
    """Return a copy, float32[count], read-only; raise ValueError if they are not so many finite."""
    if np.shape(parameters) != (count,):
        raise ValueError(f"parameters have shape {[*np.shape(parameters)]}, not {[count]}")
    with np.errstate(over="ignore"):  # beyond float32 is infinite
        own = np.array(parameters, np.float32)
    if not np.isfinite(own).all():
        raise ValueError("parameters must be finite")
    own.flags.writeable = False
    return own
