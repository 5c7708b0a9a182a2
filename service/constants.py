"""Constants that threads can share without fighting over their reference counts."""

import sys
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any


def immortalise_constants() -> None:
    """Have every module imported from here on keep its constants for ever.

    A thread that uses an object of another thread counts the reference atomically, unless the
    object is immortal; two threads that use the same one wait for its cache line at each use. The
    constants of code are immortal when the code comes from a ``.pyc``, but not when the import
    had to compile it: on the first run, in a read-only image, with PYTHONDONTWRITEBYTECODE. A
    loop over floats then runs slower on two threads than on one (docs/decisions/0013).
    """
    if sys._is_gil_enabled():
        return
    compiled = SourceFileLoader.source_to_code

    def source_to_code(*given: Any, **named: Any) -> CodeType:
        return _lasting(compiled(*given, **named))

    SourceFileLoader.source_to_code = source_to_code  # type: ignore[method-assign]  # there is no hook for it


def _lasting(code: CodeType) -> CodeType:
    """Return the same code, made anew: outside of the compiler its constants become immortal."""
    inner = (
        _lasting(constant) if isinstance(constant, CodeType) else constant
        for constant in code.co_consts
    )
    return code.replace(co_consts=tuple(inner))
