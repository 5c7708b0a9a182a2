"""The one table of features: names, types, shapes, defaults; the row layout derives from it."""

from collections.abc import Mapping
from functools import cached_property
from math import prod
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.errors import SchemaInvalid

# An int32 feature travels as float32, which is exact up to here.
LARGEST_EXACT_INT = 2**24
LARGEST_FLOAT32 = float(np.finfo(np.float32).max)

type Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One declared feature.

    ``shape`` is () for a number and (k,) for k numbers, which ``labels`` may name. ``default``
    stands in when a row is missing. Every dtype is stored as float32.
    """

    name: Name
    dtype: Literal["float32", "int32", "bool"] = "float32"
    shape: tuple[Annotated[int, msgspec.Meta(ge=1, le=4096)], ...] = ()
    default: float = 0.0
    labels: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Return how many float32 columns the feature takes."""
        return prod(self.shape)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the column names: ``year``, or ``genre=Drama``, or ``vector=0``."""
        if not self.shape:
            return (self.name,)
        return tuple(f"{self.name}={label}" for label in self.labels or range(self.width))

    def check(self) -> None:
        """Raise SchemaInvalid where the declaration contradicts itself."""
        if len(self.shape) > 1:
            raise SchemaInvalid(f"feature {self.name!r}: shape {self.shape} has more than one axis")
        if self.labels and len(self.labels) != self.width:
            raise SchemaInvalid(
                f"feature {self.name!r}: {len(self.labels)} labels for {self.width} columns; "
                "give one label per column or none"
            )
        if len(set(self.labels)) != len(self.labels):
            raise SchemaInvalid(f"feature {self.name!r}: labels must differ from each other")
        if not abs(self.default) <= LARGEST_FLOAT32:  # nor is NaN
            raise SchemaInvalid(f"feature {self.name!r}: the default must be a finite float32")
        if self.dtype == "int32" and abs(self.default) > LARGEST_EXACT_INT:
            raise SchemaInvalid(f"feature {self.name!r}: integers above 2**24 lose digits")


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """An ordered set of features: the layout of one kind of row.

    ``version`` is written into each row; a row of another version counts as missing.
    """

    name: Name
    version: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    features: tuple[Feature, ...]

    @classmethod
    def parse(cls, document: Mapping[str, Any] | bytes) -> Schema:
        """Read a schema from a JSON document or what it decodes to.

        Raises:
            SchemaInvalid: the message names the feature and what to change.
        """
        try:
            schema = (
                msgspec.json.decode(document, type=cls)
                if isinstance(document, bytes)
                else msgspec.convert(document, cls)
            )
        except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
            raise SchemaInvalid(f"schema: {fault}") from fault
        for feature in schema.features:
            feature.check()
        names = [feature.name for feature in schema.features]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise SchemaInvalid(f"schema {schema.name!r}: {sorted(twice)} declared twice")
        return schema

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the float32 columns, in row order."""
        return tuple(column for feature in self.features for column in feature.columns)

    @cached_property
    def places(self) -> Mapping[str, tuple[Feature, int]]:
        """Return each feature by its name, with its first column."""
        found, column = dict[str, tuple[Feature, int]](), 0
        for feature in self.features:
            found[feature.name] = feature, column
            column += feature.width
        return found

    @cached_property
    def width(self) -> int:
        """Return how many float32 columns a row has."""
        return len(self.columns)

    @cached_property
    def default_row(self) -> NDArray[np.float32]:
        """Return the row that stands in for a missing one, float32[width], read-only."""
        values = [feature.default for feature in self.features for _ in range(feature.width)]
        row = np.array(values, dtype=np.float32)
        row.flags.writeable = False
        return row
