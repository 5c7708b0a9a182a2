"""The generic cell rate algorithm as one atomic word, for any number of threads without a lock.

The word is the theoretical arrival time (TAT): when the bucket will be full again, in nanoseconds.
A request moves it by one interval if it is not too far ahead of now already, by one
compare-and-exchange; whoever loses to another thread looks again. So the rate holds exactly
whatever the threads do, and nobody waits for a thread that sleeps. (ITU-T I.371, annex A.)
"""
# mypy: disable-error-code="untyped-decorator, no-untyped-call"
# (numba is untyped)

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

from features.kernels import kernel, output

type Word = NDArray[np.int64]


@intrinsic
def _compare_exchange(_typing: Any, _word: Any, _expected: Any, _wanted: Any) -> Any:
    """Write word[0] if it is as expected; tell what it was (LLVM `cmpxchg`, acquire-release)."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        word, expected, wanted = values
        place = make_array(signature.args[0])(context, builder, word).data
        pair = builder.cmpxchg(place, expected, wanted, "acq_rel", "acquire")
        return builder.extract_value(pair, 0)

    return types.int64(_word, types.int64, types.int64), emit


# numba gives the first argument.
exchange = cast("Callable[[Word, int, int], int]", _compare_exchange)


@kernel(output(types.int64), types.int64, types.int64, types.int64, returns=types.int64)
def take(word: Word, now_ns: int, interval_ns: int, capacity_ns: int) -> int:
    """Take one token of a bucket that gains one each ``interval_ns``, up to ``capacity_ns`` worth.

    ``word`` is int64[1], 0 for a full bucket, and never goes back. Returns how many tokens are
    left, or minus the nanoseconds until there is one.
    """
    full_at = 0
    while True:
        after = (full_at if full_at > now_ns else now_ns) + interval_ns
        wait_ns = after - capacity_ns - now_ns
        # An exchange of the word for itself is an atomic read of it, so a refusal is by what
        # the word is, not by what it was guessed to be.
        wanted = full_at if wait_ns > 0 else after
        was = exchange(word, full_at, wanted)
        if was == full_at:
            return -wait_ns if wait_ns > 0 else -wait_ns // interval_ns
        full_at = was
