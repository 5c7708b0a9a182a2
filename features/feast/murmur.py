"""The names of the fields in Feast's hashes: MurmurHash3 of "view:feature"."""

from struct import pack

WORD = 0xFFFFFFFF


def field_name(view: str, feature: str) -> bytes:
    """Return the four bytes under which Feast keeps a feature's value."""
    return pack("<I", murmur3(f"{view}:{feature}".encode()))


def murmur3(data: bytes) -> int:
    """Return MurmurHash3_x86_32 with seed 0 (Appleby 2011)."""
    state = 0
    body = len(data) // 4 * 4
    for start in range(0, body, 4):
        state ^= _scrambled(int.from_bytes(data[start : start + 4], "little"))
        state = (_rotated(state, 13) * 5 + 0xE6546B64) & WORD
    state ^= _scrambled(int.from_bytes(data[body:], "little")) ^ len(data)
    state = ((state ^ state >> 16) * 0x85EBCA6B) & WORD
    state = ((state ^ state >> 13) * 0xC2B2AE35) & WORD
    return state ^ state >> 16


def _scrambled(block: int) -> int:
    return (_rotated((block * 0xCC9E2D51) & WORD, 15) * 0x1B873593) & WORD


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> 32 - bits) & WORD
