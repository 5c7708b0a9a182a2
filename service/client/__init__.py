"""A typed client: `Braid`, and `AsyncBraid` for an event loop. docs/client.md shows both.

It imports none of the server: the structs on the wire are what they share.
"""

from service.client.aio import AsyncBraid
from service.client.answered import Answered
from service.client.errors import BraidError, Refused, Unreachable
from service.client.sync import Braid

__all__ = ["Answered", "AsyncBraid", "Braid", "BraidError", "Refused", "Unreachable"]
