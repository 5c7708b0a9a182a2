"""The spans of a finished request: its own, one for each stage, and in it reads and shares.

Names of attributes are OpenTelemetry's semantic conventions (HTTP server, Redis client, thread)
where there are such, and ours begin with `braid.`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from features.address import Address
from service.http.wire import BatchAnswer, SlateAnswer
from service.observe.asker import Told
from service.observe.ended import Ended
from service.observe.link import Link
from service.observe.spans import Read
from service.trace.context import new_span_id
from service.trace.otlp import (
    CLIENT,
    ERROR,
    HAS_REMOTE,
    INTERNAL,
    REMOTE,
    SAMPLED,
    SERVER,
    Span,
    Status,
    Value,
    attributes,
)

OPERATIONS: Final = {"context": "PIPELINE", "features": "MGET", "store": "EVALSHA"}
"""What is asked of Redis within a stage."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Makes spans: ``scheme`` is the service's, ``store`` where Redis is, ``told`` of who asked."""

    scheme: str
    store: Address
    told: Told

    def of(self, ended: Ended) -> Iterator[Span]:
        """Yield the spans of a request that has a place in a trace, its own first."""
        trace, link = ended.trace, ended.trace.link
        if link is None:
            return
        offset_ns = int(trace.arrived_s * 1e9) - trace.started_ns

        def span(
            name: str,
            kind: int,
            times: tuple[int, int],
            parent_id: str,
            values: Mapping[str, Value | None],
            *,
            failed: bool = False,
        ) -> Span:
            return Span(
                link.trace_id,
                new_span_id(),
                name,
                kind,
                str(times[0] + offset_ns),
                str(times[1] + offset_ns),
                attributes(values),
                parent_id,
                link.state,
                SAMPLED | HAS_REMOTE,
                Status(ERROR) if failed else Status(),
            )

        yield self._server(ended, link, offset_ns)
        for stage, start, stop in list(trace.spans):
            own = span(stage, INTERNAL, (start, stop), link.span_id, {"braid.stage": stage})
            yield own
            for read in list(trace.reads):
                if read.stage == stage and start <= read.began_ns <= stop:
                    values = self._read_values(read)
                    name = OPERATIONS.get(stage, "PIPELINE")
                    times = read.began_ns, read.ended_ns
                    failed = read.fault is not None
                    yield span(name, CLIENT, times, own.span_id, values, failed=failed)
            for share in trace.shares_within(start, stop):
                values = {"thread.name": share.thread, "braid.stage": stage}
                times = share.began_ns, share.ended_ns
                yield span(f"{stage} share", INTERNAL, times, own.span_id, values)

    def _server(self, ended: Ended, link: Link, offset_ns: int) -> Span:
        trace, failed = ended.trace, ended.status >= 500
        start_ns = trace.started_ns + offset_ns
        hits, misses = trace.near
        values: dict[str, Value | None] = {
            "http.request.method": ended.method,
            "http.route": ended.route,
            "http.response.status_code": ended.status,
            "url.path": ended.route,
            "url.scheme": self.scheme,
            "error.type": (trace.fault or str(ended.status)) if failed else trace.fault,
            "user.id": self.told.id(ended.asked),
            "user.hash": self.told.hash(ended.asked),
            "braid.request_id": ended.request_id,
            "braid.caller": trace.caller,
            "braid.degraded": [f"{stage}: {why}" for stage, why in trace.degraded] or None,
            "braid.threads": trace.threads,
            "braid.near.hits": hits,
            "braid.near.misses": misses,
            **_of_answer(ended.answer),
        }
        return Span(
            link.trace_id,
            link.span_id,
            f"{ended.method} {ended.route}",
            SERVER,
            str(start_ns),
            str(start_ns + ended.total_ns),
            attributes(values),
            link.parent_id or "",
            link.state,
            SAMPLED | HAS_REMOTE | (REMOTE if link.parent_id else 0),
            Status(ERROR) if failed else Status(),
        )

    def _read_values(self, read: Read) -> dict[str, Value | None]:
        store = self.store
        database = [words[1] for words in store.greeting if words[0] == "SELECT"]
        return {
            "db.system.name": "redis",
            "db.operation.name": OPERATIONS.get(read.stage, "PIPELINE"),
            "db.namespace": database[0] if database else "0",
            "server.address": store.path or store.host,
            "server.port": None if store.path else store.port,
            "error.type": read.fault,
        }


def _of_answer(answer: object) -> dict[str, Value | None]:
    match answer:
        case SlateAnswer():
            return {
                "braid.surface": answer.surface,
                "braid.variant": answer.variant,
                "braid.model_version": answer.model_version,
                "braid.items": len(answer.items),
                "braid.coverage.features": answer.coverage.features,
                "braid.coverage.scored": answer.coverage.scored,
            }
        case BatchAnswer():
            return {"braid.slates": len(answer.slates)}
    return {}
