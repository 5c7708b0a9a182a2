"""Whether a running service is ready, by its own word."""

import msgspec

from service.commands._connection import fetch
from service.errors import Mendable
from service.http.wire import Readiness


def ask_ready(url: str, timeout_s: float) -> Readiness:
    """Return what the service says of itself; it answers 503 while it is not ready.

    Raises:
        Mendable: nobody answers there, or somebody who is not Braid.
    """
    status, body = fetch(url, "GET", "/health/ready", timeout_s)
    try:
        return msgspec.json.decode(body, type=Readiness)
    except msgspec.DecodeError:
        raise Mendable(f"{url} answers {status} as Braid does not; what listens there?") from None
