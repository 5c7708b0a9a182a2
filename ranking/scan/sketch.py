"""A sketch of many vectors: two bits a coordinate, read in a fraction of the time."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ranking.lanes import CACHE_LINE, LANES
from ranking.scan.stride import even_stride

_STEP: Final = 0.9957
"""The width, in standard deviations, of four levels that lose least of a normal distribution
(Max, Quantizing for minimum distortion, IRE Transactions on Information Theory 1960)."""

_PER_WORD: Final = 16  # coordinates in 32 bits
_CHUNK: Final = 64 * LANES  # vectors drawn at a time: they stay in the cache
_LOUDEST: Final = 85  # the query's largest coordinate: 2 * 3 * 64 * 85 stays below 2**15
_NO_FACTOR: Final = np.float32(np.nan).view(np.int32)  # whose product is above no bar


@dataclass(frozen=True, slots=True)
class Sketch:
    """Vectors turned at random, two bits a coordinate, and one factor each.

    Turning makes the coordinates alike, so that the same four levels suit each; the factor makes
    the product of a vector's levels with a query an unbiased estimate of its own (RaBitQ, SIGMOD
    2024). The vectors' centre is left out, since it moves every score alike.

    ``size`` is the number n of vectors. ``cells`` is int32[blocks, w + 1, 128]: a block is 128
    vectors side by side, w words of 16 coordinates each, and last the factors, float32 by their
    bits. Place p holds the vector ``p * stride % n``, so that any blocks are an even sample of all
    vectors.
    """

    size: int
    cells: NDArray[np.int32]
    stride: int
    turn: NDArray[np.float32]

    @classmethod
    def draw(cls, vectors: NDArray[np.float32]) -> Self:
        """Make the sketch of finite float32[n, d], n > 0."""
        n, width = vectors.shape
        stride, turn, centre = even_stride(n), _turn(width), vectors.mean(axis=0)
        cells = _empty(-(-n // LANES), turn.shape[1] // _PER_WORD + 1)
        places = np.arange(n) * stride % n
        for low in range(0, n, _CHUNK):
            drawn = _drawn((vectors[places[low : low + _CHUNK]] - centre) @ turn)
            cells[low // LANES :][: len(drawn)] = drawn
        return cls(n, cells, stride, turn)

    def ask(self, query: NDArray[np.float32]) -> tuple[NDArray[np.int32], np.float32]:
        """Return float32[d] as `skim` wants it: four signed bytes a word, and the offset."""
        turned = query @ self.turn
        loudest = np.abs(turned).max()
        octets = np.rint(turned * (_LOUDEST / loudest) if loudest > 0 else turned).astype(np.int8)
        return octets.view("<i4"), np.float32(-96.0 * octets.sum(dtype=np.int64))


def _empty(blocks: int, words: int) -> NDArray[np.int32]:
    """Start on a cache line: a wide load across two of them costs double."""
    size = blocks * words * LANES
    room = np.empty(size + CACHE_LINE // 4, np.int32)
    return room[-room.ctypes.data % CACHE_LINE // 4 :][:size].reshape(blocks, words, LANES)


def _turn(width: int) -> NDArray[np.float32]:
    """Return float32[d, d'], d' the next multiple of 16: its rows are of unit length, at angles."""
    padded = -(-width // _PER_WORD) * _PER_WORD
    random = np.random.default_rng(0).standard_normal((padded, padded))
    turn: NDArray[np.float32] = np.linalg.qr(random)[0][:width].astype(np.float32)
    return turn


def _drawn(turned: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the cells of float32[m, d'], filled up to whole blocks with what is never found."""
    count, width = turned.shape
    squares = np.einsum("ij,ij->i", turned, turned)
    step = np.sqrt(squares / width) * np.float32(_STEP)
    step[step == 0] = 1
    levels = np.clip(np.floor(turned / step[:, None]), -2, 1) + np.float32(2)
    along = np.einsum("ij,ij->i", levels - np.float32(1.5), turned)
    factors = np.divide(squares, along, out=np.zeros_like(squares), where=along > 0)
    fields = levels.astype(np.uint8).reshape(count, -1, 4, 4)  # word, bits of a byte, byte
    octets = (fields << np.array([[0], [2], [4], [6]], np.uint8)).sum(axis=2, dtype=np.uint8)
    words = np.full((-(-count // LANES) * LANES, width // _PER_WORD + 1), _NO_FACTOR)
    words[:count, :-1] = octets.view("<i4")[:, :, 0]
    words[:count, -1] = factors.view(np.int32)
    return words.reshape(-1, LANES, words.shape[1]).swapaxes(1, 2)
