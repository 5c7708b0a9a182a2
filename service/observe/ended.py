"""An answered request, for those who tell of it later and in another thread."""

import msgspec

from service.observe.spans import Trace


class Ended(msgspec.Struct, frozen=True, gc=False):
    """References to what a request left behind; words are made of it when it is told.

    ``asked`` is the decoded body and ``answer`` the struct that was sent; None where there is none.
    """

    request_id: str
    method: str
    route: str
    status: int
    total_ns: int
    trace: Trace
    asked: object
    answer: object
