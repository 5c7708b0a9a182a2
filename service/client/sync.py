"""The client for ordinary code: each call waits for its answer."""

import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self, Unpack

import httpx

from service.client.answered import Answered
from service.client.call import Call
from service.client.calls import TIMEOUT_S, Calls, TraceContext, untraced
from service.client.retry import Retry
from service.client.wishes import RankWishes, SimilarWishes, SlateWishes
from service.http.catalogue_wire import (
    ItemPut,
    ItemsPutAnswer,
    ItemsRetireAnswer,
    UserPut,
    UsersPutAnswer,
)
from service.http.wire import BatchAnswer, EventRecord, EventsAnswer, SlateAnswer


class Braid(Calls):
    """A pool of connections to one service; any thread may use it.

    Every method raises `Refused` where the service said no, and `Unreachable` where no answer came
    within ``timeout_s`` seconds, retries included.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retry: Retry = Retry(),  # noqa: B008  frozen, so sharing it is safe
        trace_context: TraceContext = untraced,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Open no connection yet; ``transport`` is httpx's, for proxies and certificates.

        ``trace_context`` gives the headers that lead to the caller's span, for each call anew.
        """
        super().__init__(timeout_s, retry, trace_context)
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def recommend(self, **wishes: Unpack[SlateWishes]) -> Answered[SlateAnswer]:
        """Ask for a slate for a user, a session, or seed items."""
        return self._send(self._recommend(wishes))

    def rank(
        self, candidates: Sequence[str], **wishes: Unpack[RankWishes]
    ) -> Answered[SlateAnswer]:
        """Have candidates of one's own ranked."""
        return self._send(self._rank(candidates, wishes))

    def similar(
        self, items: Sequence[str], **wishes: Unpack[SimilarWishes]
    ) -> Answered[SlateAnswer]:
        """Ask for items like these."""
        return self._send(self._similar(items, wishes))

    def batch(self, queries: Iterable[SlateWishes]) -> Answered[BatchAnswer]:
        """Ask for up to 100 slates at once."""
        return self._send(self._batch(queries))

    def events(self, events: Iterable[EventRecord]) -> Answered[EventsAnswer]:
        """Tell what users did; who has no event id gets one, so that a retry counts once."""
        return self._send(self._events(events))

    def put_items(self, items: Iterable[ItemPut]) -> Answered[ItemsPutAnswer]:
        """Put new and changed items."""
        return self._send(self._put_items(items))

    def retire_items(self, item_ids: Iterable[str]) -> Answered[ItemsRetireAnswer]:
        """Have items shown no more."""
        return self._send(self._retire_items(item_ids))

    def put_users(self, users: Iterable[UserPut]) -> Answered[UsersPutAnswer]:
        """Put users' features."""
        return self._send(self._put_users(users))

    def _send[T](self, call: Call[T]) -> Answered[T]:
        while True:
            call.attempt += 1
            try:
                reply = self._http.request(
                    call.method,
                    call.path,
                    content=call.content,
                    headers=call.headers,
                    timeout=max(call.left_s, 0.001),
                )
            except httpx.TransportError as fault:
                pause_s = call.lost(fault)
            else:
                read = call.read(reply.status_code, reply.headers, reply.content)
                if isinstance(read, Answered):
                    return read
                pause_s = read
            time.sleep(pause_s)
