import hashlib
from pathlib import Path

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inputs, kernel, output
from ranking import lanes
from ranking.lanes import LANES, choose, gather, load, store, to_bytes, trailing_zeros


def test_every_kernel_made_of_lanes_carries_their_hash() -> None:
    source = Path(lanes.__file__)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    users = [
        path
        for path in source.parent.rglob("*.py")
        if "from ranking.lanes import" in path.read_text() and "@kernel(" in path.read_text()
    ]
    assert len(users) >= 2
    for path in users:
        assert f"# lanes.py: {digest}" in path.read_text(), f"put the new hash in {path}"


@kernel(inputs(types.uint8), inputs(types.float32), inputs(types.int32), output(types.float32))
def _mixture(
    octets: NDArray[np.uint8],
    table: NDArray[np.float32],
    places: NDArray[np.int32],
    out: NDArray[np.float32],
) -> None:
    looked_up = gather(table, 1, load(places, 0))
    zeros = gather(table, 0, trailing_zeros(load(octets, 3)))
    shifted = gather(table, 0, to_bytes(load(places, 0), np.int32(1)))
    store(out, 0, choose(looked_up > zeros, looked_up + zeros, shifted * zeros))


def test_lanes_compute_what_numpy_does() -> None:
    rng = np.random.default_rng(0)
    octets = rng.integers(1, 256, LANES + 3).astype(np.uint8)
    table = rng.normal(size=301).astype(np.float32)
    places = rng.integers(0, 300, LANES).astype(np.int32)
    out = np.empty(LANES, np.float32)
    _mixture(octets, table, places, out)
    looked_up = table[1 + places]
    low = octets[3:].astype(int)
    zeros = table[np.log2(low & -low).astype(int)]
    shifted = table[(places >> 1) & 255]
    assert np.array_equal(out, np.where(looked_up > zeros, looked_up + zeros, shifted * zeros))
