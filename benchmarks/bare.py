"""The least a uvicorn app can do with W1's body: read it, and send constant bytes."""

import os
from typing import Any

SIZE = int(os.environ.get("BARE_BYTES", "7000"))
BODY = b"x" * SIZE
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % SIZE)],
}
END = {"type": "http.response.body", "body": BODY}


async def app(_scope: Any, receive: Any, send: Any) -> None:
    """Answer one request."""
    while (await receive()).get("more_body"):
        pass
    await send(START)
    await send(END)
