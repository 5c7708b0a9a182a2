"""How kernels are compiled: when their module is imported, never inside a request.

As `ranking.kernels`, which this room may not import: one signature, no lock held while it runs,
inputs read-only, so that frozen and writeable arrays run the same code.
"""

from collections.abc import Callable
from typing import Any, cast

from numba import njit, types


def inputs(dtype: Any, dimensions: int = 1) -> types.Array:
    """Return the type of a C-contiguous array that a kernel reads."""
    return types.Array(dtype, dimensions, "C", readonly=True)


def output(dtype: Any, dimensions: int = 1) -> types.Array:
    """Return the type of a C-contiguous array that a kernel writes."""
    return types.Array(dtype, dimensions, "C")


def kernel[F: Callable[..., Any]](*arguments: Any, returns: Any = types.void) -> Callable[[F], F]:
    """Compile the decorated function for exactly these numba types of arguments."""

    def compile_now(function: F) -> F:
        signature = returns(*arguments)
        try:
            compiled = njit(signature, nogil=True, cache=True, error_model="numpy")(function)
        except RuntimeError:  # numba found no place for its cache
            compiled = njit(signature, nogil=True, error_model="numpy")(function)
        return cast("F", compiled)

    return compile_now


def inlined[F: Callable[..., Any]](function: F) -> F:
    """Make a function that only kernels call: compiled with each of them, kept with them."""
    return cast("F", njit(nogil=True, error_model="numpy")(function))
