"""A real receiver of OTLP over HTTP, which reads spans with OpenTelemetry's own classes."""

import gzip
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto_json.collector.trace.v1.trace_service import ExportTraceServiceRequest
from opentelemetry.proto_json.common.v1.common import AnyValue, KeyValue
from opentelemetry.proto_json.trace.v1.trace import Span

BUSY_S = 60
"""How long something is waited for that a busy machine may take long to do."""


def until(holds: Callable[[], object]) -> None:
    stop = time.monotonic() + BUSY_S
    while not holds():
        assert time.monotonic() < stop
        time.sleep(0.02)


class Receiver:
    """Listens until the block ends; answers with ``status``, once ``open_`` is set."""

    def __init__(self) -> None:
        self.status = 200
        self.answers: list[int] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        self.open_ = threading.Event()
        self.open_.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                names = {name.lower(): value for name, value in self.headers.items()}
                receiver.open_.wait(BUSY_S)
                status = receiver.status
                receiver.answers.append(status)
                if status == 200:
                    receiver.headers.append(names)
                    receiver.paths.append(self.path)
                    packed = names.get("content-encoding") == "gzip"
                    receiver.bodies.append(gzip.decompress(body) if packed else body)
                self.send_response(status)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open_.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def messages(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.from_json(body) for body in self.bodies]

    def spans(self) -> list[Span]:
        return [
            span
            for message in self.messages()
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def resource(self) -> dict[str, Any]:
        [told] = self.messages()[0].resource_spans
        assert told.resource is not None
        return values(told.resource.attributes)

    def trace(self, trace_id: str) -> list[Span]:
        """Wait for the spans of a trace, its own span first."""
        wanted = bytes.fromhex(trace_id)
        until(lambda: any(span.trace_id == wanted for span in self.spans()))
        return [span for span in self.spans() if span.trace_id == wanted]


def values(attributes: list[KeyValue]) -> dict[str, Any]:
    return {str(one.key): _plain(one.value) for one in attributes}


def _plain(value: AnyValue | None) -> Any:
    assert value is not None
    if value.array_value is not None:
        return [_plain(one) for one in value.array_value.values]
    for found in (value.string_value, value.bool_value, value.int_value, value.double_value):
        if found is not None:
            return found
    raise AssertionError(value)
