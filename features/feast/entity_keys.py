"""The keys of Feast's online store: one hash for each entity of a project."""

from contextlib import suppress
from struct import error, pack, unpack_from
from typing import Literal

STRING, INT32, INT64 = 2, 3, 4
"""Feast's numbers for types of values (`ValueType.Enum`)."""

type KeyType = Literal["string", "int32", "int64"]

_PACKED = {"int32": ("<i", INT32), "int64": ("<q", INT64)}


class EntityKeys:
    """Keys with one join key, as `entity_key_serialization_version` 3 writes them.

    Every number is a little-endian uint32: how many join keys; for each its type, length, name; for
    each value its type, length, bytes; then the project.
    """

    def __init__(self, project: str, join_key: str, key_type: KeyType = "string") -> None:
        self.prefix = pack("<I", 1) + _sized(STRING, join_key.encode())
        self._project = project.encode()
        self._key_type = key_type

    def key(self, entity: str) -> bytes:
        """Return an entity's key; one that no entity has, where the id is no number and has to be.

        That reads as a missing row, which is what it is.
        """
        return self.prefix + self._value(entity) + self._project

    def entity(self, key: bytes) -> str | None:
        """Return whose key it is; None for one of another join key or project."""
        if not key.startswith(self.prefix) or not key.endswith(self._project):
            return None
        value = key[len(self.prefix) : len(key) - len(self._project)]
        with suppress(error, UnicodeDecodeError):
            kind, length = unpack_from("<II", value)
            if length == len(value) - 8:
                if kind == STRING:
                    return value[8:].decode()
                return str(unpack_from("<q" if kind == INT64 else "<i", value, 8)[0])
        return None

    def _value(self, entity: str) -> bytes:
        if self._key_type != "string":
            form, kind = _PACKED[self._key_type]
            with suppress(ValueError, error):
                return _sized(kind, pack(form, int(entity)))
        return _sized(STRING, entity.encode())


def _sized(kind: int, content: bytes) -> bytes:
    return pack("<II", kind, len(content)) + content
