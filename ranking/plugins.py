"""Functions of the user's own, by name."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def plugin(spec: str, role: str) -> Callable[..., Any]:
    """Import "module:function"; ``role`` is what it is to be, for the error.

    Raises:
        ValueError: there is none such; the message says what is missing.
    """
    module_name, colon, name = spec.partition(":")
    if not (colon and module_name and name.isidentifier()):
        raise ValueError(f"{role} {spec!r} is not of the form 'module:function'")
    try:
        module = import_module(module_name)
    except ImportError as fault:
        raise ValueError(f"{role} {spec!r}: cannot import {module_name!r}: {fault}") from fault
    function = getattr(module, name, None)
    if not callable(function):
        raise ValueError(f"{role} {spec!r}: {module_name!r} has no function {name!r}")
    found: Callable[..., Any] = function
    return found
