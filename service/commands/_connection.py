"""How a command reaches a running service."""

import http.client
import os
from urllib.parse import urlsplit

from service.errors import Mendable


def connect(url: str, timeout_s: float) -> http.client.HTTPConnection:
    """Return a connection, by TLS for https://, that has not been opened yet.

    Raises:
        Mendable: the URL names no host, or is no http:// or https:// one.
    """
    try:
        address = urlsplit(url)
        host, port = address.hostname, address.port
    except ValueError:
        host = port = None
    if not host or address.scheme not in {"http", "https"}:
        raise Mendable(f"{url!r} is no URL of a service; one is http://127.0.0.1:8000")
    if address.scheme == "https":
        return http.client.HTTPSConnection(host, port or 443, timeout=timeout_s)
    return http.client.HTTPConnection(host, port or 80, timeout=timeout_s)


def fetch(
    url: str, method: str, path: str, timeout_s: float, body: bytes | None = None
) -> tuple[int, bytes]:
    """Ask a service once; return the status and the body of its answer.

    Raises:
        Mendable: nobody answers there.
    """
    connection = connect(url, timeout_s)
    try:
        connection.request(
            method, path, body, {"content-type": "application/json", **credentials()}
        )
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise Mendable(f"{url}: {fault}; is `braid serve` running there?") from fault
    finally:
        connection.close()


def credentials() -> dict[str, str]:
    """Return the header with the key in `BRAID_KEY`; no flag, which every user could read."""
    key = os.environ.get("BRAID_KEY")
    return {"authorization": f"Bearer {key}"} if key else {}
