"""How a command reaches a running service."""

import http.client
import os
from urllib.parse import urlsplit


def connect(url: str, timeout_s: float) -> http.client.HTTPConnection:
    """Return a connection, by TLS for https://, that has not been opened yet."""
    address = urlsplit(url)
    host = address.hostname or "127.0.0.1"
    if address.scheme == "https":
        return http.client.HTTPSConnection(host, address.port or 443, timeout=timeout_s)
    return http.client.HTTPConnection(host, address.port or 80, timeout=timeout_s)


def credentials() -> dict[str, str]:
    """Return the header with the key in `BRAID_KEY`; no flag, which every user could read."""
    key = os.environ.get("BRAID_KEY")
    return {"authorization": f"Bearer {key}"} if key else {}
