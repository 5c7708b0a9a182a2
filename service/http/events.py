"""The route that takes what users did."""

import time

from features.errors import StoreUnavailable
from features.events import Event, bucket_of, faults_of, is_ahead
from service.desk import Desk
from service.http.problems import BodyInvalid, EventsNotStored
from service.http.wire import EventRecord, EventsAnswer, EventsRequest
from service.observe.spans import Trace


class Events:
    """Answers `POST /v1/events`, once the store has them all."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, wanted: EventsRequest, request_id: str, trace: Trace) -> EventsAnswer:
        """Store the events in one atomic step per user."""
        now_ms = time.time_ns() // 1_000_000
        events = [_event(record, now_ms) for record in wanted.events]
        for index, event in enumerate(events):
            for fault in faults_of(event):
                raise BodyInvalid(fault, f"$.events[{index}]")
        try:
            with trace.span("store"), trace.read("store"):
                stored = await self._desk.writer.append_events(events, now_ms)
        except StoreUnavailable as fault:
            raise EventsNotStored(
                f"{fault.reason}; send them again, with the same event ids if they have any"
            ) from None
        return EventsAnswer(
            request_id,
            len(events),
            stored,
            late=sum(bucket_of(event.timestamp_ms, now_ms) is None for event in events),
            ahead=sum(is_ahead(event.timestamp_ms, now_ms) for event in events),
        )


def _event(record: EventRecord, now_ms: int) -> Event:
    return Event(
        user_id=record.user_id,
        item_id=record.item_id,
        type=record.type,
        timestamp_ms=now_ms if record.timestamp_ms is None else record.timestamp_ms,
        event_id=record.event_id,
        request_id=record.request_id,
        value=record.value,
        weight=record.weight,
        name=record.name,
    )
