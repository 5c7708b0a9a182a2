"""How kernels are compiled: when their module is imported, never inside a request.

A kernel is a plain function over arrays, made native by numba, that holds no lock while it runs.
Its one signature takes its inputs read-only, so that frozen and writeable arrays run the same
code. Compiled code is kept in NUMBA_CACHE_DIR, or beside the source, or in the user's cache; where
none of them can be written, each start compiles anew (some seconds).
"""

import logging
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from numba import njit, types
from numba.core.event import Event, Listener, register, unregister

# Where scipy is installed numba imports it for its BLAS, which no kernel of ours calls: that
# takes a tenth of a second of each start.
BLAS = "scipy.linalg.cython_blas"
if BLAS not in sys.modules:
    sys.modules[BLAS] = None  # type: ignore[assignment]  # the import system's "there is none"
    import_module("numba.np.arraymath")
    del sys.modules[BLAS]

COMPILE = "numba:compile"
"""Numba's name for what it does where it has kept nothing."""


class _FirstOne(Listener):
    """Say why nothing is seen to happen, when the first kernel is really compiled."""

    def on_start(self, event: Event) -> None:  # noqa: ARG002  numba calls it so
        unregister(COMPILE, self)  # type: ignore[no-untyped-call]  # numba has no types
        logging.getLogger(__name__).warning(
            "Compiling the kernels, as the first command after each change of them does: "
            "up to a minute."
        )

    def on_end(self, event: Event) -> None:
        pass


register(COMPILE, _FirstOne())  # type: ignore[no-untyped-call]  # numba has no types


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
