"""Arrays in .npy files, looked at without a copy and without trust."""

import re
from math import prod
from mmap import mmap
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ranking.rejected import ArtifactRejected

_OPENING: Final = b"\x93NUMPY\x01\x00"
"""What every file of version 1.0 begins with; two bytes follow, the length of the header."""
_ALIGNMENT: Final = 64
_MOST: Final = 2**40
"""Along one axis: of an empty array the size of the file does not bound the other axis."""
_AT_ONCE: Final = 1 << 20
_HEADER: Final = re.compile(
    rb"\{'descr': '([<>|=]?[A-Za-z][0-9]{0,9})', 'fortran_order': (False|True),"
    rb" 'shape': \(((?:[0-9]{1,18}, ?)*(?:[0-9]{1,18})?)\), \} *\n"
)
"""The header as numpy writes it. numpy's own reader takes it for a Python literal, and parses it:
of a hostile one that may exhaust the stack."""


type Content = bytes | mmap
"""A file's bytes, in memory of our own or mapped."""


def view(path: Path, content: Content, dtype: str, axes: int) -> NDArray[Any]:
    """Return the array in content, read-only: of this dtype, in C order, every value finite.

    Nothing but the header is interpreted, so an array of objects (a pickle) is never opened.

    Raises:
        ArtifactRejected: names path, which is only for the message.
    """
    found, fortran, shape, start = _header(path, content)
    if found != dtype or fortran or len(shape) != axes:
        raise ArtifactRejected(path, f"is {found}{list(shape)}, not {dtype} with {axes} axes")
    kind = np.dtype(dtype)
    body = len(content) - start
    if body != prod(shape) * kind.itemsize or max(shape) > _MOST:
        raise ArtifactRejected(path, f"{body} bytes of data do not make the shape {shape}")
    array = np.frombuffer(content, kind, offset=start).reshape(shape)
    if kind.kind == "f" and not _finite(array.reshape(-1)):
        raise ArtifactRejected(path, "holds a value that is not finite", "train it again")
    return array


def _finite(values: NDArray[Any]) -> bool:
    """Tell whether all are finite numbers, without an array of as many answers."""
    blocks = range(0, len(values), _AT_ONCE)
    return all(np.isfinite(values[low : low + _AT_ONCE]).all() for low in blocks)


def _header(path: Path, content: Content) -> tuple[str, bool, tuple[int, ...], int]:
    """Return the type, whether the columns come first, the shape, and where the values begin."""
    first = len(_OPENING) + 2
    start = first + int.from_bytes(content[first - 2 : first], "little")
    whole = content[: len(_OPENING)] == _OPENING and start <= len(content)
    match = _HEADER.fullmatch(content, first, start) if whole else None
    # Elsewhere the values would not lie where kernels may read them.
    if match is None or start % _ALIGNMENT:
        raise ArtifactRejected(path, "is not an array in .npy version 1.0")
    sizes = tuple(int(size) for size in match[3].replace(b",", b" ").split())
    return match[1].decode(), match[2] == b"True", sizes, start
