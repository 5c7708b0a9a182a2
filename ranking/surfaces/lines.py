"""Where in a TOML text a fault stands: from msgspec's path to a line."""

import re
import tomllib
from collections.abc import Sequence
from typing import Any

import msgspec

_WHERE = re.compile(r" - at `\$(.*)`$")
_STEP = re.compile(r"\.([A-Za-z_0-9]+)|\[(\d+)\]|(\[\.\.\.\])")
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`$")
_HEADER = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+\s*(#.*)?$")
_KEY = re.compile(
    r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"))*)\s*="""
)


def blame(
    value: object, target: type[Any], fault: msgspec.ValidationError
) -> tuple[str, list[str]]:
    """Return what is wrong and the path of it in ``value``, keys of mappings included.

    msgspec names a struct's field but says ``[...]`` for a key, so each key is tried alone.
    """
    message = str(fault)
    found = _WHERE.search(message)
    reason = message[: found.start()] if found else message
    steps = [match.groups() for match in _STEP.finditer(found[1])] if found else []
    path: list[str] = []
    for name, index, _ in steps:
        if name or index:
            path.append(name or index)
            continue
        keys = _at(value, path)
        for key in keys if isinstance(keys, dict) else ():
            try:
                msgspec.convert(_alone(value, path, key), target)
            except msgspec.ValidationError as again:
                if str(again) == message:
                    path.append(key)
                    break
    unknown = _UNKNOWN.match(reason)
    if unknown:
        path.append(unknown[1])
        reason = "there is no such setting"
    return reason, path


def line_of(text: str, path: Sequence[str]) -> int | None:
    """Return the line, from 1, of the key at ``path``, or of the nearest table around it."""
    table: list[str] = []
    best, line = 0, None
    for number, content in enumerate(text.splitlines(), 1):
        header, key = _HEADER.match(content), _KEY.match(content)
        if header:
            table = here = _keys(header[1])
        elif key:
            here = table + _keys(key[1])
        else:
            continue
        if len(here) > best and list(path[: len(here)]) == here:
            best, line = len(here), number
    return line


def _keys(dotted: str) -> list[str]:
    """Split a dotted key as TOML does, quotes and all."""
    keys: list[str] = []
    try:
        below: Any = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return keys
    while isinstance(below, dict):
        [(key, below)] = below.items()
        keys.append(key)
    return keys


def _at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _alone(value: Any, path: Sequence[str], key: str) -> Any:
    """Return the value with all but one key left out of the mapping at ``path``."""
    if not path:
        return {key: value[key]}
    first, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_alone(value[int(first)], rest, key)]
    return value | {first: _alone(value[first], rest, key)}
