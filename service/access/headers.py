"""What answers tell browsers: these the server sends ahead of an answer's own headers."""

import re
from base64 import b64encode
from hashlib import sha256
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


_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def page_headers(page: bytes, *, styled_by_script: bool = False) -> dict[str, str]:
    """Return the policy for a page: scripts of ours and those in its own text, nothing else.

    ``styled_by_script`` is for a page whose scripts write style attributes.
    """
    hashes = [
        f"'sha256-{b64encode(sha256(found).digest()).decode()}'" for found in _INLINE.findall(page)
    ]
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(("'self'", *hashes)),
        "style-src": "'self' 'unsafe-inline'" if styled_by_script else "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    joined = "; ".join(f"{name} {value}" for name, value in policy.items())
    return {"content-security-policy": joined, "referrer-policy": "no-referrer"}
