"""What every answer tells a browser. The server sends these ahead of an answer's own headers."""

from typing import Final

type Headers = tuple[tuple[str, str], ...]

ALWAYS: Final[Headers] = (
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),  # who has seen what is nobody else's affair
)
UNDER_TLS: Final[Headers] = (("strict-transport-security", "max-age=31536000"),)


def security_headers(*, tls: bool) -> list[tuple[str, str]]:
    """Return them for a server with or without TLS."""
    return [*ALWAYS, *(UNDER_TLS if tls else ())]
