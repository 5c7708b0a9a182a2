"""How many files and sockets this process may have open."""

import sys
from typing import Final

# For what is no client's connection: the store's, logs, artifacts, the interpreter's own.
KEPT: Final = 256


def raise_limit() -> int:
    """Raise the soft limit to the hard one; return how many connections of clients that allows."""
    if sys.platform == "win32":
        return sys.maxsize
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except ValueError, OSError:  # macOS has a limit of its own below `unlimited`
            pass
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(soft - KEPT, 1)
