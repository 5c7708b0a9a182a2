"""A filter as a tree, each node with its position in the text."""

from dataclasses import dataclass
from typing import Literal

type Value = float | str
"""A literal; true is 1 and false is 0."""

type Comparison = Literal["=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Compare:
    """``column comparison value``; with several values (only for "="), any of them."""

    column: str
    comparison: Comparison
    values: tuple[Value, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Missing:
    """The item has no such value."""

    column: str
    position: int


@dataclass(frozen=True, slots=True)
class Not:
    """The other way round."""

    part: Filter


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Some part holds."""

    parts: tuple[Filter, ...]


type Filter = Compare | Missing | Not | All | Any
