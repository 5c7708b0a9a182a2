"""Arrays in .npy files, looked at without a copy and without trust."""

from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.manifest import ArtifactRejected


def view(path: Path, content: bytes, dtype: str, axes: int) -> NDArray[Any]:
    """Return the array in content, read-only: of this dtype, in C order, every value finite.

    Nothing but the header is interpreted, so an array of objects (a pickle) is never opened.

    Raises:
        ArtifactRejected: names path, which is only for the message.
    """
    stream = BytesIO(content)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("not .npy version 1.0")
        shape, fortran, found = np.lib.format.read_array_header_1_0(stream)
    except (ValueError, SyntaxError, TypeError) as fault:
        raise ArtifactRejected(path, f"is not an array ({fault})") from fault
    if found != np.dtype(dtype) or fortran or len(shape) != axes:
        raise ArtifactRejected(path, f"is {found}{list(shape)}, not {dtype} with {axes} axes")
    body = len(content) - stream.tell()
    if min(shape) < 0 or body != prod(shape) * found.itemsize:
        raise ArtifactRejected(path, f"{body} bytes of data do not make the shape {shape}")
    array = np.frombuffer(content, found, offset=stream.tell()).reshape(shape)
    if found.kind == "f" and not np.isfinite(array).all():
        raise ArtifactRejected(path, "holds a value that is not finite", "train it again")
    return array
