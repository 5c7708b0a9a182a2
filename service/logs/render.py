"""What a line of the log looks like: the same for our requests and for everybody's records."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from service.logs.wide import Wide

_encode = msgspec.json.Encoder(enc_hook=str).encode


def renderer(*, for_people: bool, colours: bool = False) -> logging.Formatter:
    """Return a formatter: one line of JSON for each record, or what people read on a terminal."""
    last: tuple[Processor, ...] = (
        (structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=0),)
        if for_people
        else (structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json))
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=(
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            _add_time,
            _widen,
        ),
        processors=(structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last),
    )


def _add_time(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Add when it happened, which is before it is written."""
    happened = datetime.fromtimestamp(event["_record"].created, UTC)
    event["timestamp"] = happened.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _widen(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Add what there is to say of a request."""
    wide = getattr(event["_record"], "wide", None)
    if isinstance(wide, Wide):
        event.update(wide.words())
    return event


def _json(event: EventDict, **_: Any) -> str:
    try:
        return _encode(event).decode()
    except UnicodeEncodeError:  # half a surrogate pair, which is no UTF-8
        return json.dumps(event, default=str)
