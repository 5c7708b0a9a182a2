"""Whether what a client puts fits the schema and the catalogue, found out before it is written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from features.given import FeatureRejected, cells_of
from features.schema import Schema
from ranking.filters.table import Column, Labels, Numbers, is_missing
from service.catalogue.log import Put
from service.state import Serving

MOST_PROPERTIES: Final = 64
LONGEST_NAME: Final = 64
LARGEST_PROPERTIES_BYTES: Final = 16 * 1024
DEEPEST: Final = 8


class PutRejected(Exception):
    """The client's fault; ``path`` is the JSON path of it."""

    def __init__(self, path: str, fault: str) -> None:
        super().__init__(fault)
        self.path = path


def check_items(puts: Sequence[Put], serving: Serving) -> None:
    """Return if all may be put.

    Raises:
        PutRejected: with the path of the first that may not, and the remedy.
    """
    check_ids([put.item_id for put in puts], "items", "item_id")
    columns, encode = serving.filters.table.columns, msgspec.json.Encoder().encode
    for index, put in enumerate(puts):
        path = f"$.items[{index}]"
        if put.features is not None:
            _check_features(put.features, serving.items.schema, path)
        if put.properties is not None:
            _check_properties(put.properties, columns, encode, f"{path}.properties")


def check_users(users: Sequence[tuple[str, Mapping[str, Any]]], schema: Schema) -> None:
    """Return if all may be put; raises what `check_items` does."""
    check_ids([user_id for user_id, _ in users], "users", "user_id")
    for index, (_, features) in enumerate(users):
        _check_features(features, schema, f"$.users[{index}]")


def check_ids(ids: Iterable[str], within: str, field: str | None) -> None:
    """Return if each id stands there once and is one; raises what `check_items` does."""
    seen = set[str]()
    for index, one in enumerate(ids):
        path = f"$.{within}[{index}]" + (f".{field}" if field else "")
        if "\0" in one:
            raise PutRejected(path, "an id holds a NUL character; leave it out")
        if one in seen:
            raise PutRejected(path, f"{one!r} stands there twice; say all of it once")
        seen.add(one)


def _check_features(given: Mapping[str, Any], schema: Schema, path: str) -> None:
    try:
        cells_of(given, schema)
    except FeatureRejected as fault:
        raise PutRejected(f"{path}.features{fault.path}", str(fault)) from None


def _check_properties(
    properties: Mapping[str, Any], columns: Mapping[str, Column], encode: Any, path: str
) -> None:
    if len(properties) > MOST_PROPERTIES:
        raise PutRejected(path, f"has {len(properties)} names; send {MOST_PROPERTIES} at most")
    if _nests_deeper(properties, DEEPEST):
        raise PutRejected(path, f"is nested deeper than {DEEPEST}; send it flatter")
    try:
        size = len(encode(properties))
    except (OverflowError, ValueError) as fault:
        raise PutRejected(path, f"cannot be kept as JSON ({fault}); send another value") from None
    if size > LARGEST_PROPERTIES_BYTES:
        raise PutRejected(path, f"takes {size} bytes; send {LARGEST_PROPERTIES_BYTES} at most")
    for name, value in properties.items():
        if not 0 < len(name) <= LONGEST_NAME:
            raise PutRejected(path, f"a name has {len(name)} characters; 1-{LONGEST_NAME} may")
        # One wrong value would make the whole column useless to everybody's filters.
        match columns.get(name):
            case Numbers() if not is_missing(value) and not isinstance(value, int | float):
                raise PutRejected(f"{path}.{name}", "is a number elsewhere; send a number or null")
            case Labels() if not is_missing(value) and not _is_text(value):
                raise PutRejected(
                    f"{path}.{name}", "is a text, or a list of texts, elsewhere; send one or null"
                )


def _is_text(value: object) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(one, str) for one in value)
    )


def _nests_deeper(value: object, levels: int) -> bool:
    """Tell whether containers stand in each other more than so many levels deep; look no deeper."""
    match value:
        case dict():
            inner: Iterable[object] = value.values()
        case list():
            inner = value
        case _:
            return False
    return levels == 0 or any(_nests_deeper(one, levels - 1) for one in inner)
