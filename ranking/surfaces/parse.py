"""From the text of a file of surfaces to checked settings, or to the line that is wrong."""

import tomllib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ranking.surfaces.lines import blame, line_of
from ranking.surfaces.rejected import SurfacesRejected
from ranking.surfaces.surface import Surface, Surfaces

TABLE: Final = "surfaces"


def parse(text: str) -> Surfaces:
    """Read the surfaces of a TOML text.

    Raises:
        SurfacesRejected: it is no TOML, or says something that cannot be meant.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise SurfacesRejected(f"this is no TOML: {fault.msg}", fault.lineno) from fault
    tables = document.get(TABLE)
    if set(document) - {TABLE} or not isinstance(tables, dict) or not tables:
        raise SurfacesRejected(f"begin each surface with [{TABLE}.NAME]; there is nothing else")
    by_name: dict[str, Surface] = {}
    variants: dict[tuple[str, str], Surface] = {}
    for name, table in tables.items():
        surface = by_name[name] = _surface(table, text, (TABLE, name))
        if surface.experiment is not None:
            for arm, variant in surface.experiment.variants.items():
                path = (TABLE, name, "experiment", "variants", arm, "settings")
                merged = overridden(table, {"experiment": None} | variant.settings)
                variants[name, arm] = _surface(merged, text, path)
    return Surfaces(by_name, variants)


def overridden(table: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with settings laid over it, table by table; None takes a key out."""
    merged = dict(table)
    for key, value in settings.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = overridden(below, value)
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


def _surface(table: object, text: str, path: tuple[str, ...]) -> Surface:
    try:
        return msgspec.convert(table, Surface)
    except msgspec.ValidationError as fault:
        reason, inner = blame(table, Surface, fault)
        where = (*path, *inner)
        raise SurfacesRejected(f"{'.'.join(where)}: {reason}", line_of(text, where)) from fault
